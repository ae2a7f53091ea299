"""What people look at: thumbnails, contact sheets and plots; needs neither AWS nor Dagster."""
