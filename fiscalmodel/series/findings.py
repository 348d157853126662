from fiscalmodel.findings import COLUMNS as COLUMNS
from fiscalmodel.findings import SEVERITIES as SEVERITIES
from fiscalmodel.findings import Finding as Finding
from fiscalmodel.findings import Severity as Severity
from fiscalmodel.findings import ranked as ranked
from fiscalmodel.findings import to_frame as to_frame
