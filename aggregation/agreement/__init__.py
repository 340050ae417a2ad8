"""How far people agree, before anybody decides who is right."""

from aggregation.agreement.alpha import NominalAlpha, nominal_alpha
from aggregation.agreement.boxes import BoxAgreement, agreement_with_others, pair_agreement
from aggregation.agreement.labels import label_agreement
from aggregation.agreement.report import Agreement

__all__ = [
    "Agreement",
    "BoxAgreement",
    "NominalAlpha",
    "agreement_with_others",
    "label_agreement",
    "nominal_alpha",
    "pair_agreement",
]
