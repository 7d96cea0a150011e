"""The parts of the Seerr simulator; nothing here is imported by the plugin itself."""
