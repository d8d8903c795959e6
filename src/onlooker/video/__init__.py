"""Files and streams to frames and sound with exact times; frames to files."""
