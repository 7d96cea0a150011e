"""The MetaData of the core's tables."""

from sqlalchemy import MetaData

# In the `info` of a column that holds the id of a title: it follows the title when that goes into another.
NAMES_A_TITLE = "names_a_title"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
