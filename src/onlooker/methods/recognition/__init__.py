"""What happens in this clip?"""
