"""What keeps a site running: other machines, deliveries, pauses, the logs of what was done."""
