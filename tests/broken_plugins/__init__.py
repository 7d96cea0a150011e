"""Plugins that do wrong: one tiny distribution for each fault. `at_start` holds those that are found out before they run,
`at_work` those that run and then misbehave.
"""
