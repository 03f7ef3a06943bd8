"""Roles, and what they may do."""

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from epochwatch.services.call import Call

_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_LONGEST_SESSION_SECONDS: Final = 43_200


def get_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetRole: the role of that name, which SageMaker may assume. There are no roles to keep: each name is one."""
    name = request["RoleName"]
    arn = f"arn:aws:iam::{call.tenant.account}:role/{name}"
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROA" + hashlib.sha256(arn.encode()).hexdigest()[:17].upper(),
            "Arn": arn,
            "CreateDate": 0.0,
            "AssumeRolePolicyDocument": quote(json.dumps(_TRUST)),
            "MaxSessionDuration": _LONGEST_SESSION_SECONDS,
        }
    }


def simulate_principal_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """SimulatePrincipalPolicy: whoever has a key may do everything here."""
    resources = request.get("ResourceArns") or ["*"]
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": "allowed",
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in request["ActionNames"]
        for resource in resources
    ]
    return {"EvaluationResults": results, "IsTruncated": False}
