"""The product's nouns. One file each; this page only gathers the names."""

from curation.models.annotation import Annotation, Box
from curation.models.api import IdempotencyKey
from curation.models.asset import Asset, AssetPreview, Decision
from curation.models.asset_view import BulkChange, BulkChanged, SavedView
from curation.models.collusion import PairSearch, WrongTogether
from curation.models.consensus import Consensus, ConsensusBox, ConsensusRun, ReliabilityFit
from curation.models.coverage import PlanFactor
from curation.models.crawl import Crawl, CrawlCall, CrawlEngine, CrawlHit, CrawlHost, CrawlLink, CrawlQuery
from curation.models.dataset import DatasetCard, DatasetItem, DatasetVersion, DataSource, Export, SourcedPicture
from curation.models.dataset_import import DatasetImport
from curation.models.event import Event
from curation.models.incoming import AssetBatch, FileUpload, LinkToFetch
from curation.models.instruction import Instruction, PlanDraft
from curation.models.job import Job, Tick
from curation.models.lookalike import (
    AssetCorners,
    BulkDrop,
    BulkDropped,
    HeldOutPicture,
    HeldOutSet,
    HonestyTerms,
    LookalikeSearch,
    LookalikeWord,
)
from curation.models.outlook import Outlook
from curation.models.person import ApiToken, SignInLink, User
from curation.models.prediction import (
    Embedding,
    Prediction,
    Predictions,
    Scenario,
    ScenarioVerdict,
)
from curation.models.price_trial import PriceArm, PriceDecision, PriceTrial
from curation.models.project import FormerExample, LabelClass, Membership, Project
from curation.models.publishing import ErasedItem, Erasure, LockedPart, PublishFinding
from curation.models.rehearsal import Rehearsal
from curation.models.review import CheckVerdict, OwnKeys, Review, ReviewControl, ReviewLease, ReviewPlace
from curation.models.second_factor import RecoveryCode, SecondFactor
from curation.models.session import Session
from curation.models.stage import Pool, Stage
from curation.models.tag import AssetTag, TagRun
from curation.models.webhook import Webhook, WebhookDelivery, WebhookNotice

__all__ = [
    "Annotation",
    "ApiToken",
    "Asset",
    "AssetBatch",
    "AssetCorners",
    "AssetPreview",
    "AssetTag",
    "Box",
    "BulkChange",
    "BulkChanged",
    "BulkDrop",
    "BulkDropped",
    "CheckVerdict",
    "Consensus",
    "ConsensusBox",
    "ConsensusRun",
    "Crawl",
    "CrawlCall",
    "CrawlEngine",
    "CrawlHit",
    "CrawlHost",
    "CrawlLink",
    "CrawlQuery",
    "DataSource",
    "DatasetCard",
    "DatasetImport",
    "DatasetItem",
    "DatasetVersion",
    "Decision",
    "Embedding",
    "ErasedItem",
    "Erasure",
    "Event",
    "Export",
    "FileUpload",
    "FormerExample",
    "HeldOutPicture",
    "HeldOutSet",
    "HonestyTerms",
    "IdempotencyKey",
    "Instruction",
    "Job",
    "LabelClass",
    "LinkToFetch",
    "LockedPart",
    "LookalikeSearch",
    "LookalikeWord",
    "Membership",
    "Outlook",
    "OwnKeys",
    "PairSearch",
    "PlanDraft",
    "PlanFactor",
    "Pool",
    "Prediction",
    "Predictions",
    "PriceArm",
    "PriceDecision",
    "PriceTrial",
    "Project",
    "PublishFinding",
    "RecoveryCode",
    "Rehearsal",
    "ReliabilityFit",
    "Review",
    "ReviewControl",
    "ReviewLease",
    "ReviewPlace",
    "SavedView",
    "Scenario",
    "ScenarioVerdict",
    "SecondFactor",
    "Session",
    "SignInLink",
    "SourcedPicture",
    "Stage",
    "TagRun",
    "Tick",
    "User",
    "Webhook",
    "WebhookDelivery",
    "WebhookNotice",
    "WrongTogether",
]
