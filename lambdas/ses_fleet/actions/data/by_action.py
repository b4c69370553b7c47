"""The model of each action's data, which is `data` of a customer's result.

Each action has a module of its own here. The worker builds the model, and `worker/service.py` dumps it; a reader of
stored results uses `Data.read`. Only who needs all models imports this module: a worker imports that of its action.
"""

from __future__ import annotations

from pydantic import BaseModel

from ses_fleet.actions.data.backup_list import BackupListData
from ses_fleet.actions.data.check_health import CheckHealthData
from ses_fleet.actions.data.describe_list import DescribeListData
from ses_fleet.actions.data.describe_topics import DescribeTopicsData
from ses_fleet.actions.data.erase_contact import EraseContactData
from ses_fleet.actions.data.find_contact import FindContactData
from ses_fleet.actions.data.import_aws_contact import ImportData
from ses_fleet.actions.data.list_contacts import ListContactsData
from ses_fleet.actions.data.list_suppressed import ListSuppressedData
from ses_fleet.actions.data.manage_topic import ManageTopicData
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.data.remove_contacts import RemoveContactsData
from ses_fleet.actions.data.restore_list import RestoreListData
from ses_fleet.actions.data.restore_topics import RestoreTopicsData
from ses_fleet.actions.data.set_contacts import SetContactsData
from ses_fleet.actions.data.set_suppressed import SetSuppressedData
from ses_fleet.actions.data.un_erase import UnEraseData
from ses_fleet.actions.data.validate_access import ValidateAccessData

DATA_MODELS: dict[str, type[BaseModel]] = {
    "describe-list": DescribeListData,
    "describe-topics": DescribeTopicsData,
    "list-contacts": ListContactsData,
    "find-contact": FindContactData,
    "list-suppressed": ListSuppressedData,
    "validate-access": ValidateAccessData,
    "check-health": CheckHealthData,
    "manage-topic": ManageTopicData,
    "backup-list": BackupListData,
    "restore-list": RestoreListData,
    "restore-topics": RestoreTopicsData,
    "import-aws-contact": ImportData,
    "set-suppressed": SetSuppressedData,
    "erase-contact": EraseContactData,
    "un-erase": UnEraseData,
    "read-identity-center": DirectoryFiles,
    "set-contacts": SetContactsData,
    "remove-contacts": RemoveContactsData,
}
