"""What camera platforms say, as detections of our kinds; one small file a format."""
