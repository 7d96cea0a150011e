"""The library: what every server said, and the one set of titles derived from it.

The modules of this folder itself are pure: a title's values from what several sources say of it. The rooms around them read sources
(`syncing`, `enriching`), keep rows (`stored`), write titles (`writing`), show them (`reading`, `pictures`), order the sources
(`ordering`), look back (`past`) and look for what does not fit (`checking`). `service` is the way in for everyone else.
"""
