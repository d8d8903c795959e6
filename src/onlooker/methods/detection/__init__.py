"""Where are people and things?"""
