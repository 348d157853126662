from fiscalmodel.errors import did_you_mean as did_you_mean
from fiscalmodel.errors import known_names as known_names
