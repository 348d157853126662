"""Make the tables of the synthetic sample county (样本县，合成数据).

No published document gives a county's hidden-debt ledger contract by contract,
so the debt and commission notebooks run on a county that does not exist. Its
size is that of a small county: general public budget revenue of about 10 亿元
and hidden debt of 18 亿元. No row describes a real place, person or institution.

    python3 data/make_synthetic_sample_county.py

writes the same bytes every time: the only randomness is ``random.Random(SEED)``.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path

SEED = 20251231
NOTE = "synthetic 合成样本"
HERE = Path(__file__).resolve().parent
PREFIX = "synthetic_sample_county_"
SOURCE = "样本县（合成数据，由 data/make_synthetic_sample_county.py 生成）"

LEDGER_COLUMNS = [
    "contract_id",
    "debtor",
    "creditor",
    "category",
    "project",
    "principal_wan",
    "rate_pct",
    "start",
    "maturity",
    "repayment",
    "frequency",
    "overdue",
    "litigation",
    "replaceable",
    "prepayable",
    "prepay_fee_pct",
    "extendable_to",
    "min_instalment_wan",
    "clear_by",
    "by_contract",
    "note",
]

# Balance of principal on 31 December 2025, 万元: 180,000 in all, of which 15,000
# is shantytown debt that is repaid by its contract and stays beyond 2028.
LEDGER = [
    "HD-001|城投平台A|甲银行|银行贷款|城区道路|28000|5.39|2018-06-20|2028-06-20|equal_principal|half_year|0|0|1|1|0||",
    "HD-002|城投平台A|乙银行|银行贷款|供水管网|22000|5.10|2017-09-15|2027-09-15|bullet|quarter|0|0|1|0|||",
    "HD-003|城投平台B|甲信托公司|信托|产业园厂房|12000|8.60|2023-11-30|2026-11-30|bullet|half_year|0|0|1|0|||",
    "HD-004|城投平台B|甲租赁公司|融资租赁|污水处理设备|9600|7.20|2023-03-31|2028-03-31|equal_instalment|quarter|0|0|1|1|1.0||",
    "HD-005|城投平台A|乙租赁公司|融资租赁|公交车辆|6400|6.90|2022-06-30|2027-06-30|equal_instalment|quarter|0|0|0|1|0.5||",
    "HD-006|城投平台B|定向融资投资人|非标|乡村道路|5000|9.20|2023-06-30|2026-06-30|bullet|year|0|1|0|1|0||",
    "HD-007|交通项目公司|施工企业甲|工程欠款|县乡公路|7500|4.35|2021-06-30|2025-06-30|bullet|year|1|1|1|1|0||",
    "HD-008|城投平台A|丙银行|银行贷款|医院迁建|18000|4.90|2019-12-20|2029-12-20|bullet|quarter|0|0|1|1|0||2500",
    "HD-009|水务项目公司|丁银行|银行贷款|水库除险加固|24000|5.25|2016-05-30|2031-05-30|equal_principal|year|0|0|1|1|0||",
    "HD-010|教育项目公司|乙银行|政府购买服务|学校建设|11000|4.75|2018-10-31|2028-10-31|equal_principal|year|0|0|1|1|0||",
    "HD-011|环卫项目公司|社会资本方甲|项目应付款|垃圾处理厂|6500|6.10|2019-12-31|2027-12-31|bullet|year|0|0|0|0||2028-12-31|",
    "HD-012|城投平台A|丙银行|棚户区改造|城北棚户区|15000|4.45|2015-11-20|2030-11-20|equal_principal|year|0|0|0|0|||",
    "HD-013|城投平台B|甲保理公司|保理|材料款|4000|8.00|2024-03-31|2027-03-31|bullet|quarter|0|0|1|1|0||",
    "HD-014|交通项目公司|国有企业甲|企业借款|客运站|11000|5.80|2023-05-30|2028-05-30|bullet|year|0|0|1|0|||",
]  # fmt: skip

SOURCE_COLUMNS = [
    "source_id",
    "category",
    "period",
    "available_from",
    "cap_wan",
    "haircut_pct",
    "earmark",
    "carry",
    "note",
]
FUNDING = [
    "FS-GPB|fiscal_funds|2026|2026-01-01|27500|0||0",
    "FS-GPB|fiscal_funds|2027|2027-01-01|25800|0||0",
    "FS-GPB|fiscal_funds|2028|2028-01-01|24700|0||0",
    "FS-LAND|fund_budget|2026|2026-04-01|8000|0||0",
    "FS-LAND|fund_budget|2027|2027-04-01|6000|0||0",
    "FS-LAND|fund_budget|2028|2028-04-01|8000|0||0",
    "FS-IDLE|idle_funds|2026|2026-07-01|3000|0||1",
    "FS-ASSET-1|asset_disposal|2026|2026-09-30|6000|20||1",
    "FS-EQUITY|equity_disposal|2027|2027-03-31|8000|30||1",
    "FS-ASSET-2|asset_disposal|2028|2028-03-31|14000|25||0",
    "FS-WATER|project_income|2026|2026-01-01|3000|0|HD-009|1",
    "FS-WATER|project_income|2027|2027-01-01|3000|0|HD-009|1",
    "FS-WATER|project_income|2028|2028-01-01|3000|0|HD-009|1",
]

QUOTA_COLUMNS = [
    "period",
    "available_from",
    "quota_wan",
    "rate_pct",
    "tenor_years",
    "repayment",
    "note",
]
QUOTAS = [
    "2026|2026-04-01|25000|2.24|10|bullet",
    "2027|2027-04-01|22000|2.30|10|bullet",
    "2028|2028-04-01|13000|2.35|15|bullet",
]

BOND_COLUMNS = [
    "bond_code",
    "type",
    "purpose",
    "amount_wan",
    "rate_pct",
    "start",
    "maturity",
    "repayment",
    "frequency",
    "project",
    "note",
]
BONDS = [
    "SYN-G-2019-01|general|new|18000|3.31|2019-06-10|2029-06-10|bullet|half_year|农村公路",
    "SYN-G-2021-01|general|refinancing|22000|3.26|2021-08-16|2028-08-16|bullet|year|再融资",
    "SYN-G-2023-01|general|new|16000|2.87|2023-05-22|2033-05-22|bullet|half_year|教育均衡",
    "SYN-G-2024-01|general|refinancing|12000|2.22|2024-09-09|2031-09-09|bullet|year|再融资",
    "SYN-S-2020-01|special|new|30000|3.55|2020-05-18|2030-05-18|bullet|half_year|产业园标准厂房",
    "SYN-S-2022-01|special|new|26000|3.02|2022-06-20|2037-06-20|bullet|half_year|城乡供水一体化",
    "SYN-S-2023-01|special|refinancing|14000|2.91|2023-10-23|2028-10-23|bullet|year|再融资",
    "SYN-S-2024-01|special|replacement|20000|2.24|2024-12-09|2039-12-09|bullet|half_year|置换存量隐性债务",
]

SERIES_COLUMNS = [
    "series_id",
    "region",
    "budget_scope",
    "indicator",
    "item_code",
    "period",
    "value",
    "unit",
    "coverage",
    "calibre",
    "version",
    "kind",
    "source",
    "note",
    "indicator_zh",
    "printed",
    "missing_reason",
    "doc_id",
    "fact_id",
]

REVENUE_START = 72_000
REVENUE_GROWTH_PCT = {
    2015: 8.1, 2016: 3.0, 2017: 2.4, 2018: 6.8, 2019: 4.9, 2020: -5.6,
    2021: 9.2, 2022: -4.1, 2023: 7.5, 2024: 2.2, 2025: 2.9,
}  # fmt: skip

# item -> (Chinese name, code, share of revenue in %); what is left is VAT.
ITEMS = {
    "vat": ("增值税", "10101", 0.0),
    "corporate_income_tax": ("企业所得税", "10104", 8.0),
    "individual_income_tax": ("个人所得税", "10106", 2.6),
    "resource_tax": ("资源税", "10107", 4.5),
    "urban_maintenance_tax": ("城市维护建设税", "10109", 5.2),
    "property_tax": ("房产税", "10110", 3.4),
    "stamp_duty": ("印花税", "10111", 1.6),
    "urban_land_use_tax": ("城镇土地使用税", "10112", 2.2),
    "land_appreciation_tax": ("土地增值税", "10113", 5.6),
    "vehicle_vessel_tax": ("车船税", "10114", 3.0),
    "farmland_occupation_tax": ("耕地占用税", "10118", 2.4),
    "deed_tax": ("契税", "10119", 7.5),
    "environmental_tax": ("环境保护税", "10121", 0.6),
    "special_revenue": ("专项收入", "10302", 6.5),
    "administrative_charges": ("行政事业性收费收入", "10304", 5.4),
    "fines": ("罚没收入", "10305", 3.6),
    "state_assets_use": ("国有资源（资产）有偿使用收入", "10307", 16.5),
}
NON_TAX = {"special_revenue", "administrative_charges", "fines", "state_assets_use"}

# Cumulative share of the year's revenue at the end of each month, before noise.
MONTH_SHARE = {
    2: 0.185, 3: 0.275, 4: 0.352, 5: 0.432, 6: 0.532, 7: 0.612,
    8: 0.672, 9: 0.757, 10: 0.838, 11: 0.905, 12: 1.0,
}  # fmt: skip

# Units that spend: Chinese name, share of the year's expenditure, and how much of its year each has
# spent by each quarter's end; the rest of the county has the rest.
SPENDING_UNITS = {
    "spending_education": ("教育局", 0.24, (0.22, 0.47, 0.71, 1.0)),
    "spending_health": ("卫生健康局", 0.12, (0.24, 0.49, 0.74, 1.0)),
    "spending_agriculture": ("农业农村局", 0.15, (0.10, 0.33, 0.60, 1.0)),
    "spending_housing": ("住房城乡建设局", 0.09, (0.12, 0.36, 0.62, 1.0)),
    "spending_civil_affairs": ("民政局", 0.11, (0.26, 0.51, 0.75, 1.0)),
}
SPENDING_OTHERS = ("spending_other_units", "其他单位")
#: Share of what was usual by then that these units had spent up to September 2025.
LATE_2025 = {"spending_agriculture": 0.86, "spending_housing": 0.78}

# 万元; 2026 as budgeted, 2027 and 2028 as in the rolling three-year plan.
BUDGET = {
    "transfers_general": (
        "一般性转移支付",
        "",
        [138_000, 144_500, 150_000, 153_000, 155_500, 158_000],
    ),
    "transfers_special": (
        "专项转移支付",
        "",
        [112_000, 118_000, 121_000, 120_000, 120_000, 120_000],
    ),
    "sanbao_livelihood": ("保基本民生", "", [88_500, 91_000, 94_000, 96_500, 98_500, 100_500]),
    "sanbao_wages": ("保工资", "", [86_000, 87_500, 89_000, 90_500, 92_000, 93_500]),
    "sanbao_operation": ("保运转", "", [17_000, 17_200, 17_500, 17_800, 18_000, 18_300]),
    "statutory_interest": ("法定债务付息", "232", [4_420, 4_560, 4_760, 4_800, 4_800, 4_750]),
    "statutory_principal_own_funds": (
        "法定债务自有资金还本",
        "231",
        [1_500, 1_800, 2_000, 2_000, 2_200, 3_800],
    ),
    "other_commitments": ("其他刚性支出", "", [16_500, 17_200, 18_000, 18_300, 20_700, 21_000]),
}

BANKS = ("甲银行", "乙银行", "丙银行", "丁银行")
RECEIPT_COLUMNS = [
    "receipt_id",
    "bank",
    "kind",
    "account",
    "paid_in",
    "amount",
    "refund_of",
    "unmatched",
    "excluded",
    "note",
]


#: What the banks claim on these receipts: as settled, but 丁银行 rounds one line receipt by
#: receipt and leaves the refunds in another.
CLAIM_COLUMNS = ["bank", "kind", "account", "period", "base_yuan", "fee_yuan", "note"]
CLAIM = [
    "丁银行|罚没|国库|2025|1215577.66|6077.89",
    "丁银行|收费|国库|2025|2429089.41|4858.19",
    "丁银行|收费|财政专户|2025|746323.12|1492.65",
    "丙银行|罚没|国库|2025|2290386.31|11451.93",
    "丙银行|收费|国库|2025|2403057.11|4806.11",
    "丙银行|收费|财政专户|2025|2535897.41|5071.79",
    "乙银行|罚没|国库|2025|2687865.31|13439.33",
    "乙银行|收费|国库|2025|9182393.70|18364.79",
    "乙银行|收费|财政专户|2025|5846333.38|11692.67",
    "甲银行|罚没|国库|2025|4940110.07|24700.55",
    "甲银行|收费|国库|2025|10231196.90|20462.39",
    "甲银行|收费|财政专户|2025|6154781.02|12309.56",
]


#: Spending lines of the medium-term plan: standard in 万元, number, or an amount with its reason.
PLAN_LINE_COLUMNS = [
    "line", "project_class", "year", "standard_wan", "number", "amount_wan", "sanbao_part",
    "basis", "note",
]  # fmt: skip
PLAN_LINES = [
    "城乡居民医保财政补助|社会事业||0.07|500000||保基本民生|补助标准700元/人×参保人数",
    "城乡低保|社会事业||0.6|20000||保基本民生|保障标准6000元/人·年×对象人数",
    "义务教育公用经费|社会事业||0.1|95000||保基本民生|生均标准1000元×学生数",
    "城乡居民基础养老金|社会事业||0.25|160000||保基本民生|2500元/人·年×领取人数",
    "财政供养人员工资|保障运转||12.5|7240||保工资|人均工资12.5万元×编制内在职人数",
    "部门公用经费|保障运转||2.5|7120||保运转|人均公用经费2.5万元×编制人数",
    "法定债务付息|特定事项|2026|||4800||到期付息计划，按债券合同，无标准",
    "法定债务付息|特定事项|2027|||4800||到期付息计划，按债券合同，无标准",
    "法定债务付息|特定事项|2028|||4750||到期付息计划，按债券合同，无标准",
    "农村公路养护|重点建设||3|2100|||养护定额3万元/公里×公里数",
    "产业扶持资金|产业发展|2026|||12000||已签协议的兑付额，无标准",
    "产业扶持资金|产业发展|2027|||14400||已签协议的兑付额，无标准",
    "产业扶持资金|产业发展|2028|||14700||已签协议的兑付额，无标准",
]
#: Dated changes of standard or number, each with its source.
PLAN_CHANGE_COLUMNS = ["line", "year", "standard_wan", "number", "source", "note"]
PLAN_CHANGES = [
    "城乡居民基础养老金|2027||168000|人社部门2027年领取人数预测（合成样本）",
    "城乡居民基础养老金|2028||176000|人社部门2028年领取人数预测（合成样本）",
    "财政供养人员工资|2027||7360|2027年招录计划（合成样本）",
    "财政供养人员工资|2028||7480|2028年招录计划（合成样本）",
    "部门公用经费|2027||7200|2027年编制计划（合成样本）",
    "部门公用经费|2028||7320|2028年编制计划（合成样本）",
]
#: Last year's plan (2025 to 2027) and what 2025 came to, by line.
LAST_PLAN_COLUMNS = ["year", "line", "amount_wan", "note"]
LAST_PLAN = [
    "2025|城乡居民医保财政补助|34000", "2025|城乡低保|12000", "2025|义务教育公用经费|9500",
    "2025|城乡居民基础养老金|38500", "2025|财政供养人员工资|89000", "2025|部门公用经费|17500",
    "2025|法定债务付息|4760", "2025|农村公路养护|6000", "2025|产业扶持资金|12000",
    "2026|城乡居民医保财政补助|35000", "2026|城乡低保|12000", "2026|义务教育公用经费|9500",
    "2026|城乡居民基础养老金|39000", "2026|财政供养人员工资|90000", "2026|部门公用经费|18000",
    "2026|法定债务付息|4800", "2026|农村公路养护|6300", "2026|产业扶持资金|10000",
    "2027|城乡居民医保财政补助|35000", "2027|城乡低保|12000", "2027|义务教育公用经费|9500",
    "2027|城乡居民基础养老金|41000", "2027|财政供养人员工资|92000", "2027|部门公用经费|18000",
    "2027|法定债务付息|4800", "2027|农村公路养护|6300", "2027|产业扶持资金|12400",
]  # fmt: skip
PLAN_OUTTURN = [
    "2025|城乡居民医保财政补助|33650", "2025|城乡低保|11820", "2025|义务教育公用经费|9480",
    "2025|城乡居民基础养老金|38900", "2025|财政供养人员工资|89000", "2025|部门公用经费|17100",
    "2025|法定债务付息|4760", "2025|农村公路养护|5730", "2025|产业扶持资金|10260",
]  # fmt: skip
#: The four budgets of 2025 (outturn) and 2026 (budget).
ACCOUNT_COLUMNS = [
    "budget", "level", "year", "version", "item_code", "item", "amount_wan", "restricted",
    "counterpart", "note",
]  # fmt: skip
ACCOUNTS = {
    ("2025", "执行数"): (
        "一般公共预算:收入=102785,上级补助收入=271000,债务转贷收入=24000,上年结余=9200,"
        "调入资金@政府性基金=7000,调入资金@国有资本经营预算=1200,收入总计=415185,支出=396656,"
        "上解上级支出=3100,债务还本支出=10600,安排预算稳定调节基金=400,结转下年=4429",
        "政府性基金:收入=27873,上级补助收入=1800,债务转贷收入#专项债券=15000,上年结余=4100,"
        "收入总计=48773,支出=21100,支出#专项债券=12400,债务还本支出=3000,"
        "调出资金@一般公共预算=7000,结转下年=2673,结转下年#专项债券=2600",
        "国有资本经营预算:收入=4000,支出=2800,调出资金@一般公共预算=1200,收入总计=4000,支出总计=4000",
        "社会保险基金:收入=62000,上年结余=48000,支出=57000,结转下年=53000",
    ),
    ("2026", "年初预算"): (
        "一般公共预算:收入=104800,上级补助收入=273000,债务转贷收入=22000,上年结余=4429,"
        "调入资金@政府性基金=6000,调入资金@国有资本经营预算=1300,收入总计=411529,支出=395429,"
        "上解上级支出=3100,债务还本支出=10000,结转下年=3000",
        "政府性基金:收入=26000,上级补助收入=1800,上年结余=2673,上年结余#专项债券=2600,"
        "收入总计=33073,支出=20473,支出#专项债券=2600,债务还本支出=2000,"
        "调出资金@一般公共预算=6000,结转下年=2000",
        "国有资本经营预算:收入=4200,支出=2900,调出资金@一般公共预算=1300,收入总计=4200,支出总计=4200",
        "社会保险基金:收入=65000,上年结余=53000,支出=60500,结转下年=57500",
    ),
}
#: Special-bond projects and their net income by year.
PROJECT_COLUMNS = [
    "project_id", "name", "amount_wan", "rate_pct", "start", "maturity", "repayment", "frequency",
    "note",
]  # fmt: skip
PROJECTS = [
    "SB-01|县人民医院迁建|10000|2.4|2026-06-30|2041-06-30|equal_principal|half_year",
    "SB-02|产业园标准厂房|8000|2.3|2026-06-30|2036-06-30|bullet|half_year",
]
INCOME_COLUMNS = ["project_id", "year", "income_wan", "note"]
#: What the guardrails are set against beside the scenario's own figures.
GUARDRAIL_COLUMNS = [
    "year", "sanbao_arranged_wan", "ppp_wan", "special_interest_wan", "fund_expenditure_wan",
    "reserve_wan", "tax_wan", "general_debt_wan", "general_limit_wan", "note",
]  # fmt: skip
#: The budget of the three guarantees of 2026 stands by month. General debt: 68,000 of bonds and
#: 22,000 on-lent less 10,000 repaid in 2026, as in ``ACCOUNTS``; refinanced in full after that.
GUARDRAILS = [
    "2026||3200|1500|23100|4200|70100|80000|92000",
    "2027|208500|3200|1450|22500|4200|71200|80000|92000",
    "2028|212300|3100|1400|22500|4300|72300|80000|92000",
]


#: The three guarantees and cash by month, 万元. Needs of 2026 add up to those of ``BUDGET``.
SANBAO_COLUMNS = ["period", "sanbao_part", "standard", "need_wan", "arranged_wan", "settled_wan",
                  "note"]  # fmt: skip
#: Need of 2026 by part, and the share of it at local standard, %.
SANBAO_YEAR = {"保基本民生": (96_500, 6), "保工资": (90_500, 12), "保运转": (17_800, 0)}
#: Wages are paid thirteen times, twice in January; livelihood is paid heavily in some months.
SANBAO_MONTH = {
    "保工资": [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    "保基本民生": [9, 8, 8, 7, 7, 9, 8, 8, 9, 8, 8, 11],
    "保运转": [1] * 12,
}
BALANCE_COLUMNS = ["period", "cash_kind", "purpose", "opening_wan", "receipts_wan",
                   "payments_wan", "closing_wan", "note"]  # fmt: skip
FLOW_COLUMNS = ["period", "cash_line", "item", "purpose", "amount_wan", "settled_wan", "note"]
#: Free cash at the end of June to December 2025.
FREE_CLOSING = [11_600, 10_500, 9_100, 8_700, 7_300, 6_800, 5_200]
OWN_2026, ADVANCE_2026 = 104_800, 153_000
JANUARY_SHARE = 0.115
POOL_COLUMNS = ["project_id", "project", "project_class", "must", "running", "standard_wan",
                "number", "first_year", "years", "score", "note"]  # fmt: skip
POOL = [
    "XM-01|农村义务教育校车安全|社会事业|1|0|0.8|450|2026|3|",
    "XM-02|防汛抗旱应急物资|特定事项|1|0|260|1|2026|3|",
    "XM-03|城区供水管网改造二期|重点建设|0|1|1450|1|2025|3|",
    "XM-04|政务云租用|保障运转|0|1|310|1|2026|3|",
    "XM-05|公务用房维修|保障运转|0|0|0.05|5200|2026|1|78",
    "XM-06|村级文化中心|社会事业|0|0|18|42|2026|2|86",
    "XM-07|乡镇卫生院设备|社会事业|0|0|65|11|2026|1|91",
    "XM-08|养老服务站|社会事业|0|0|32|16|2027|2|82",
    "XM-09|特色农业贴息|产业发展|0|0|0.6|900|2026|3|74",
    "XM-10|电商物流园配套|产业发展|0|0|1200|1|2026|2|69",
    "XM-11|县城停车场|重点建设|0|0|980|1|2026|2|80",
    "XM-12|滨河步道|重点建设|0|0|1650|1|2026|2|71",
    "XM-13|农村公路安防|重点建设|0|0|4.5|180|2026|3|88",
    "XM-14|节庆活动|特定事项|0|0|420|1|2026|3|52",
]
ASSESS_COLUMNS = ["year", "item", "funding", "amount_wan", "note"]
ASSESS = [
    "2026|职业学校迁建：前期|一般公共预算|900", "2026|职业学校迁建：土建|债券|6000",
    "2027|职业学校迁建：土建|一般公共预算|1800", "2027|职业学校迁建：土建|上级补助|2500",
    "2027|职业学校迁建：土建|债券|4000", "2028|职业学校迁建：设备|一般公共预算|1600",
    "2028|职业学校迁建：运行|一般公共预算|650",
]  # fmt: skip
EXECUTED_COLUMNS = ["project", "budget_wan", "adjusted_wan", "executed_wan", "score", "note"]
EXECUTED = [
    "节庆活动|450||448.2|61", "信息化运维|320||318.9|96", "产业扶持资金|12000|11000|8360|88",
    "农村公路养护|6000||5730|92", "招商专项|600||214|97",
]  # fmt: skip
IDLE_COLUMNS = ["fund_id", "item", "idle_kind", "year", "amount_wan", "note"]
IDLE = [
    "CL-01|农村危房改造|上级专项转移支付结转|2022|640",
    "CL-02|水利工程|上级专项转移支付结转|2024|1850",
    "CL-03|教育附加安排项目|一般公共预算结转|2023|720",
    "CL-04|乡村振兴项目|一般公共预算结转|2025|1240",
    "CL-05|部门项目结转|部门预算结转|2023|385.6", "CL-06|部门项目结转|部门预算结转|2025|910",
    "CL-07|净结余|结余资金|2025|260", "CL-08|粮食风险基金专户|财政专户存量|2021|430",
    "ZF-01|园区征地垫付|暂付款|2019|5200", "ZF-02|国企借款|暂付款|2021|2600",
    "ZF-03|疫情防控垫付|暂付款|2022|1150.5",
]  # fmt: skip
CUT_COLUMNS = ["line", "last_wan", "this_wan", "moved_wan", "target_cut_pct", "note"]
CUTS = [
    "公务接待费|186|158||15", "公务用车运行维护费|412|396||5", "会议培训费|260|243|24|10",
    "办公设备购置|540|418||20",
]  # fmt: skip


def pipe_rows(lines: list[str], columns: list[str]) -> list[dict[str, str]]:
    """Records from lines split at ``|``; the last column is the synthetic note."""
    rows = []
    for line in lines:
        cells = line.split("|")
        rows.append(
            dict(zip(columns, [*cells, *[""] * (len(columns) - 1 - len(cells)), NOTE], strict=True))
        )
    return rows


def ledger() -> list[dict[str, str]]:
    """The hidden-debt ledger, one row a contract."""
    rows = pipe_rows(LEDGER, LEDGER_COLUMNS)
    for row in rows:
        for name in ("overdue", "litigation", "replaceable", "prepayable"):
            row[name] = "true" if row[name] == "1" else "false"
        stays = row["category"] == "棚户区改造"
        row["by_contract"] = "true" if stays else "false"
        row["clear_by"] = "" if stays else "2028-12-31"
    return rows


def funding() -> list[dict[str, str]]:
    """Sources of funds for repaying hidden debt, by year."""
    rows = pipe_rows(FUNDING, SOURCE_COLUMNS)
    for row in rows:
        row["carry"] = "true" if row["carry"] == "1" else "false"
    return rows


def observation(
    name: str, zh: str, code: str, period: str, value: int, **more: str
) -> dict[str, str]:
    """One value in the layout of ``series.csv``."""
    row = {
        "series_id": f"sample_county.{name}", "region": "sample_county",
        "budget_scope": "一般公共预算", "indicator": name, "item_code": code, "period": period,
        "value": str(value), "unit": "万元", "coverage": "", "calibre": "as_published",
        "version": "execution", "kind": "actual", "source": SOURCE, "note": NOTE,
        "indicator_zh": zh, "printed": str(value), "missing_reason": "",
        "doc_id": "synthetic_sample_county",
    }  # fmt: skip
    row.update(more)
    row["fact_id"] = f"S_{name}_{period}"
    return row


def revenue(rng: random.Random) -> list[dict[str, str]]:
    """Revenue of 2014 to 2025 by item; items add up to the total."""
    rows: list[dict[str, str]] = []
    total, level = {}, float(REVENUE_START)
    for year in range(2014, 2026):
        level *= 1 + REVENUE_GROWTH_PCT.get(year, 0.0) / 100
        total[year] = round(level)
    for year, amount in total.items():
        # The share of non-tax revenue creeps up, as in many counties.
        drift = 1 + 0.012 * (year - 2020)
        parts = {
            name: round(
                amount * share / 100 * rng.uniform(0.94, 1.06) * (drift if name in NON_TAX else 1)
            )
            for name, (_, _, share) in ITEMS.items()
        }
        parts["vat"] = amount - sum(parts.values())
        tax = sum(value for name, value in parts.items() if name not in NON_TAX)
        for name, value in parts.items():
            zh, code, _ = ITEMS[name]
            rows.append(observation(name, zh, code, str(year), value, coverage="local"))
        for name, zh, code, value in (
            ("tax_revenue", "税收收入", "101", tax),
            ("non_tax_revenue", "非税收入", "103", amount - tax),
            ("general_public_budget_revenue", "一般公共预算收入", "", amount),
        ):
            rows.append(observation(name, zh, code, str(year), value, coverage="local"))
        spending = round(amount * 1.6 + 175_000 + 5_200 * (year - 2014))
        rows.append(
            observation(
                "general_public_budget_expenditure", "一般公共预算支出", "", str(year), spending
            )
        )
        land = round(41_000 * (1.06 ** min(year - 2014, 7)) * (0.82 ** max(year - 2021, 0)))
        rows.append(
            observation(
                "land_sale_revenue", "国有土地使用权出让收入", "1030148", str(year), land,
                budget_scope="政府性基金",
            )
        )  # fmt: skip
    return rows


def monthly(rng: random.Random, annual: list[dict[str, str]]) -> list[dict[str, str]]:
    """Year-to-date revenue of 2021 to 2025; December equals the annual figure."""
    value = {(row["indicator"], row["period"]): int(row["value"]) for row in annual}
    rows = []
    for year in range(2021, 2026):
        noise = {month: rng.uniform(-0.012, 0.012) if month < 12 else 0.0 for month in MONTH_SHARE}
        for month, share in MONTH_SHARE.items():
            tax = round(value["tax_revenue", str(year)] * (share + noise[month] / 2))
            total = round(
                value["general_public_budget_revenue", str(year)] * (share + noise[month])
            )
            for name, zh, amount in (
                ("general_public_budget_revenue_monthly", "一般公共预算收入（累计）", total),
                ("tax_revenue_monthly", "税收收入（累计）", tax),
                ("non_tax_revenue_monthly", "非税收入（累计）", total - tax),
            ):
                row = observation(name, zh, "", f"{year}-{month:02d}", amount, coverage="local")
                rows.append(row | {"span": "year_to_date"})
    return rows


def spending(annual: list[dict[str, str]]) -> list[dict[str, str]]:
    """Year-to-date expenditure by unit, 2022 to 2025, and the units' budgets of 2025."""
    rng = random.Random(SEED + 1)  # apart, so that no other table changes
    whole = {row["period"]: int(row["value"]) for row in annual
             if row["indicator"] == "general_public_budget_expenditure"}  # fmt: skip
    rows = []
    for year in range(2022, 2026):
        total = whole[str(year)]
        full = {n: round(total * share * rng.uniform(0.97, 1.03))
                for n, (_, share, _) in SPENDING_UNITS.items()}  # fmt: skip
        for month in range(2, 13):
            done = {}
            for name, (zh, _, quarters) in SPENDING_UNITS.items():
                k, into = divmod(month, 3)
                by = [0.0, *quarters]
                share = by[k] + (into / 3 * (by[k + 1] - by[k]) if into else 0.0)
                if year == 2025 and month < 12:
                    late = LATE_2025.get(name, 1.0)
                    share *= late if month < 10 else late + (1 - late) * (month - 9) / 3
                if month < 12:
                    share *= rng.uniform(0.975, 1.025)
                done[name] = zh, round(full[name] * share)
            even = total - sum(full.values())
            done[SPENDING_OTHERS[0]] = SPENDING_OTHERS[1], round(even * month / 12)
            for name, (zh, amount) in done.items():
                row = observation(name, f"{zh}支出（累计）", "", f"{year}-{month:02d}", amount)
                rows.append(row | {"span": "year_to_date"})
            row = observation("expenditure_monthly", "一般公共预算支出（累计）", "",
                              f"{year}-{month:02d}", sum(v for _, v in done.values()))  # fmt: skip
            rows.append(row | {"span": "year_to_date"})
        if year == 2025:
            # Budgeted for: a few percent more than what is spent in the end.
            names = {n: zh for n, (zh, _, _) in SPENDING_UNITS.items()} | dict([SPENDING_OTHERS])
            full[SPENDING_OTHERS[0]] = total - sum(full.values())
            for name, zh in names.items():
                amount = round(full[name] * rng.uniform(1.0, 1.05))
                row = observation(f"{name}_budget", f"{zh}支出预算", "", str(year), amount,
                                  version="initial_budget", kind="budget")  # fmt: skip
                rows.append(row | {"span": "year"})
    return rows


def budget() -> list[dict[str, str]]:
    """Transfers, 三保 need and debt service, 2023 to 2028."""
    rows = []
    for name, (zh, code, values) in BUDGET.items():
        for year, value in zip(range(2023, 2029), values, strict=True):
            past = year <= 2025
            rows.append(
                observation(
                    name, zh, code, str(year), value,
                    kind="actual" if past else "budget" if year == 2026 else "estimate",
                    version="execution" if past else "initial_budget" if year == 2026 else "",
                )
            )  # fmt: skip
    return rows


def receipts(rng: random.Random) -> list[dict[str, str]]:
    """600 collections of 2025: 574 receipts and 26 refunds, in 元."""
    rows: list[dict[str, str]] = []
    first = dt.date(2025, 1, 2)
    for number in range(574):
        fine = rng.random() < 0.38
        day = first + dt.timedelta(days=round(number * 362 / 573))
        amount = rng.lognormvariate(10.4 if fine else 11.0, 1.1)
        if number % 29 == 0:
            amount = 2.40 if not fine else 200.0
        rows.append(
            {
                "receipt_id": f"SYN2025{number + 1:05d}",
                "bank": rng.choices(BANKS, weights=(45, 30, 15, 10))[0],
                "kind": "罚没" if fine else "收费",
                "account": "国库" if fine or rng.random() < 0.6 else "财政专户",
                "paid_in": day.isoformat(),
                "amount": f"{amount:.2f}",
                "refund_of": "", "unmatched": "", "excluded": "", "note": NOTE,
            }
        )  # fmt: skip
    for row in rng.sample(rows[150:], 14):
        row["unmatched"] = "true"
    plain = [row for row in rows if not row["unmatched"]]
    for row in rng.sample(plain, 8):
        row["excluded"] = "直接缴入国库，未经银行代收"
    plain = [row for row in plain if not row["excluded"] and row["paid_in"] < "2025-12-01"]
    for number, paid in enumerate(rng.sample(plain, 26)):
        part = 1.0 if number % 3 == 0 else rng.uniform(0.1, 0.8)
        cents = min(round(float(paid["amount"]) * 100 * part), round(float(paid["amount"]) * 100))
        day = dt.date.fromisoformat(paid["paid_in"]) + dt.timedelta(days=rng.randint(3, 29))
        rows.append(
            paid
            | {
                "receipt_id": f"SYN2025R{number + 1:04d}",
                "paid_in": day.isoformat(),
                "amount": f"-{cents // 100}.{cents % 100:02d}",
                "refund_of": paid["receipt_id"],
            }
        )
    return sorted(rows, key=lambda row: (row["paid_in"], row["receipt_id"]))


def accounts() -> list[dict[str, str]]:
    """The four budgets, one row a line; ``@`` names the other account, ``#`` marks tied money."""
    rows = []
    for (year, version), budgets in ACCOUNTS.items():
        for text in budgets:
            budget, _, lines = text.partition(":")
            for entry in lines.split(","):
                name, _, amount = entry.partition("=")
                name, _, purpose = name.partition("#")
                name, _, other = name.partition("@")
                rows.append(
                    {
                        "budget": budget, "level": "本级", "year": year, "version": version,
                        "item_code": "", "item": name, "amount_wan": amount,
                        "restricted": "bonds" if purpose else "", "counterpart": other,
                        "note": NOTE,
                    }
                )  # fmt: skip
    return rows


def income() -> list[dict[str, str]]:
    """Net income of the special-bond projects: the first year is half a year."""
    rows = []
    for project, first, last, full in (("SB-01", 2026, 2041, 1080), ("SB-02", 2026, 2036, 860)):
        for year in range(first, last + 1):
            amount = full // 2 if year == first else full
            rows.append(
                {"project_id": project, "year": str(year), "income_wan": str(amount), "note": NOTE}
            )
    return rows


def month_name(year: int, month: int) -> str:
    """``2026-03``."""
    return f"{year}-{month:02d}"


def sanbao_months() -> list[dict[str, str]]:
    """Need, budget and payment from October 2025 to December 2026."""
    rows = []
    for year, month in [(2025, 10), (2025, 11), (2025, 12), *((2026, m) for m in range(1, 13))]:
        for part, (whole, local) in SANBAO_YEAR.items():
            weight = SANBAO_MONTH[part]
            need = round(whole * weight[month - 1] / sum(weight), 2)
            for standard, share in (("国家标准", 100 - local), ("地方标准", local)):
                if not share:
                    continue
                amount = round(need * share / 100, 2)
                # The budget of 2026 leaves a part of the local standard of wages open.
                arranged = amount * (0.9 if (part, standard) == ("保工资", "地方标准") else 1)
                rows.append({
                    "period": month_name(year, month), "sanbao_part": part, "standard": standard,
                    "need_wan": f"{amount:.2f}", "arranged_wan": f"{arranged:.2f}",
                    "settled_wan": f"{amount:.2f}" if year == 2025 else "", "note": NOTE,
                })  # fmt: skip
    return rows


def own_by_month(year: int, total: float, cumulative: dict[int, float]) -> dict[str, float]:
    """Own receipts of single months from the cumulative ones, January split off by its share."""
    known = {1: total * JANUARY_SHARE, **cumulative}
    made, before = {}, 0.0
    for month in range(1, 13):
        made[month_name(year, month)] = round(known[month] - before, 2)
        before = known[month]
    return made


def cash_tables(
    months: list[dict[str, str]],
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Balances of July to December 2025; flows of these months (actual) and of 2026 (planned)."""
    real = {
        int(row["period"][5:]): float(row["value"])
        for row in months
        if row["indicator"] == "general_public_budget_revenue_monthly"
        and row["period"].startswith("2025")
    }
    actual = own_by_month(2025, real[12], real)
    plan_2025 = own_by_month(2025, real[12] * 1.025, {m: real[12] * 1.025 * s
                                                      for m, s in MONTH_SHARE.items()})  # fmt: skip
    plan = own_by_month(2026, OWN_2026, {m: OWN_2026 * s for m, s in MONTH_SHARE.items()})
    balances: list[dict[str, str]] = []
    flows: list[dict[str, str]] = []

    def flow(period: str, line: str, amount: float, real: float | None = None, item: str = "",
             purpose: str = "") -> None:  # fmt: skip
        flows.append({
            "period": period, "cash_line": line, "item": item, "purpose": purpose,
            "amount_wan": f"{amount:.2f}", "settled_wan": "" if real is None else f"{real:.2f}",
            "note": NOTE,
        })  # fmt: skip

    for at, month in enumerate(range(7, 13)):
        period = month_name(2025, month)
        received = actual[period] + 12_500
        flow(period, "本级收入入库", plan_2025[period], actual[period], "税收和非税")
        flow(period, "上级调度款", 12_500, 12_500, "均衡性转移支付等")
        opening, closing = FREE_CLOSING[at], FREE_CLOSING[at + 1]
        for kind, start, came, end in (
            ("可统筹资金", opening, received, closing),
            ("专项转移支付资金", 4_200, 9_800, 4_200),
            ("社会保险基金", 50_500 + 500 * at, 5_300, 51_000 + 500 * at),
        ):  # fmt: skip
            balances.append({
                "period": period, "cash_kind": kind, "purpose": "" if start != 4_200 else "项目",
                "opening_wan": f"{start:.2f}", "receipts_wan": f"{came:.2f}",
                "payments_wan": f"{start + came - end:.2f}", "closing_wan": f"{end:.2f}",
                "note": NOTE,
            })  # fmt: skip
    for month in range(1, 13):
        period = month_name(2026, month)
        flow(period, "本级收入入库", plan[period], item="税收和非税")
        flow(period, "上级调度款", 12_200 if month < 12 else ADVANCE_2026 - 11 * 12_200,
             item="均衡性转移支付等")  # fmt: skip
        flow(period, "专项转移支付", 600, item="民生补助", purpose="保基本民生")
        flow(period, "专项转移支付", 9_400, item="项目补助", purpose="项目")
        flow(period, "上级扣缴上解", 258.33, item="体制上解")
        flow(period, "专项转移支付支出", 9_600, item="项目", purpose="项目")
        flow(period, "其他刚性支出", 1_525, item="政策性补贴等")
        flow(period, "在建项目合同款", 340, item="供水管网、政务云")
        flow(period, "其他支出", 900, item="城市维护等")
        flow(period, "社保基金收入", 5_400, item="各险种")
        flow(period, "社保基金支出", 5_040, item="各险种")
        if month in (6, 12):
            flow(period, "上级扣回债务本息", 2_400, item="法定债务利息")
            flow(period, "隐性债务化解", 13_750, item="化债计划")
        if month == 6:
            flow(period, "债券资金收入", 18_000, item="医院、厂房", purpose="专项债券项目")
        if 7 <= month <= 12:
            flow(period, "债券项目支出", 2_600, item="医院、厂房", purpose="专项债券项目")
    return balances, flows


def pool() -> list[dict[str, str]]:
    """The project pool."""
    rows = pipe_rows(POOL, POOL_COLUMNS)
    for row in rows:
        for name in ("must", "running"):
            row[name] = "true" if row[name] == "1" else "false"
    return rows


def tables() -> dict[str, tuple[list[str], list[dict[str, str]]]]:
    """Every table by the end of its file name: columns and rows."""
    rng = random.Random(SEED)
    annual = revenue(rng)
    months = monthly(rng, annual)
    balances, flows = cash_tables(months)
    monthly_columns = [*SERIES_COLUMNS[:12], "span", *SERIES_COLUMNS[12:]]
    return {
        "debt_ledger": (LEDGER_COLUMNS, ledger()),
        "funding_sources": (SOURCE_COLUMNS, funding()),
        "replacement_quotas": (QUOTA_COLUMNS, pipe_rows(QUOTAS, QUOTA_COLUMNS)),
        "statutory_bonds": (BOND_COLUMNS, pipe_rows(BONDS, BOND_COLUMNS)),
        "revenue": (SERIES_COLUMNS, annual),
        "revenue_monthly": (monthly_columns, months),
        "spending_monthly": (monthly_columns, spending(annual)),
        "budget": (SERIES_COLUMNS, budget()),
        "receipts_2025": (RECEIPT_COLUMNS, receipts(rng)),
        "accounts": (ACCOUNT_COLUMNS, accounts()),
        "plan_lines": (PLAN_LINE_COLUMNS, pipe_rows(PLAN_LINES, PLAN_LINE_COLUMNS)),
        "plan_changes": (PLAN_CHANGE_COLUMNS, pipe_rows(PLAN_CHANGES, PLAN_CHANGE_COLUMNS)),
        "last_plan": (LAST_PLAN_COLUMNS, pipe_rows(LAST_PLAN, LAST_PLAN_COLUMNS)),
        "plan_outturn": (LAST_PLAN_COLUMNS, pipe_rows(PLAN_OUTTURN, LAST_PLAN_COLUMNS)),
        "special_bonds": (PROJECT_COLUMNS, pipe_rows(PROJECTS, PROJECT_COLUMNS)),
        "special_bond_income": (INCOME_COLUMNS, income()),
        "guardrails": (GUARDRAIL_COLUMNS, pipe_rows(GUARDRAILS, GUARDRAIL_COLUMNS)),
        "sanbao": (SANBAO_COLUMNS, sanbao_months()),
        "cash_balances": (BALANCE_COLUMNS, balances),
        "cash_flows": (FLOW_COLUMNS, flows),
        "project_pool": (POOL_COLUMNS, pool()),
        "assessed_project": (ASSESS_COLUMNS, pipe_rows(ASSESS, ASSESS_COLUMNS)),
        "executed_projects": (EXECUTED_COLUMNS, pipe_rows(EXECUTED, EXECUTED_COLUMNS)),
        "idle_money": (IDLE_COLUMNS, pipe_rows(IDLE, IDLE_COLUMNS)),
        "cuts": (CUT_COLUMNS, pipe_rows(CUTS, CUT_COLUMNS)),
        "bank_claim_2025": (CLAIM_COLUMNS, pipe_rows(CLAIM, CLAIM_COLUMNS)),
    }


def main(folder: Path = HERE) -> None:
    """Write every table into `folder`."""
    for name, (columns, rows) in tables().items():
        path = folder / f"{PREFIX}{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{path.name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
