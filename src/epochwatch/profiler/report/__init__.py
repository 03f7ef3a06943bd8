"""What a profile says, summed up once and drawn as one page."""
