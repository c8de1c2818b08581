"""What is installed and started: command line, broker, topics, the city as files."""
