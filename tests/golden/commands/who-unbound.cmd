who --site policies/sites/cyara-small.yaml can reach cyara/tts
