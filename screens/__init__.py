"""What is shown: the gateway to screens and field apps, and the page."""
