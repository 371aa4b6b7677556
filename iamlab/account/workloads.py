"""Being an instance, a task or a function: code that runs in AWS, and finds its role by itself."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import botocore.session

from iamlab.account import service_roles
from iamlab.account.errors import AwsError, Response
from iamlab.account.supplements.containers import find_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from iamlab.account.callers import Session
    from iamlab.account.endpoint import Endpoint
    from iamlab.account.lab import Lab
    from iamlab.account.wire import HttpRequest

    Handle = Callable[[HttpRequest], Response]

TASK_LIFETIME = 21_600  # seconds, about what ECS gives [O]
FUNCTION_LIFETIME = 43_200  # seconds, about what Lambda gives [O]
TASKS, FUNCTIONS = "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"
# What says where the lab is stays as it is; all else that begins so is of another identity.
_KEPT = ("AWS_ENDPOINT_URL",)


class Workloads:
    """What this process is at the moment, and the servers that give it its credentials.

    Parameters
    ----------
    lab : Lab
    loader : object
        botocore's loader, shared so that a fresh session is quick.
    """

    def __init__(self, lab: Lab, loader: Any) -> None:
        self._lab = lab
        self._loader = loader
        self._known: dict[str, tuple[Handle, Endpoint]] = {}
        self._tasks: dict[str, _Task] = {}
        self._here: list[tuple[Handle | None, ExitStack]] = []

    def answer(self, request: HttpRequest) -> Response | None:
        """Answer a request to 169.254.169.254 or 169.254.170.2; None if nobody is there."""
        handle = self._here[-1][0] if self._here else None
        return handle(request) if handle is not None else None

    @contextmanager
    def instance(self, instance_id: str, account: str | None) -> Iterator[None]:
        """Be an EC2 instance; see :meth:`iamlab.account.lab.Lab.on_instance`."""
        from iamlab.account.instance_metadata import InstanceMetadata
        from iamlab.account.supplements.instances import find_instance

        for backend in self._lab.state.everywhere("ec2", account or self._lab.account_id):
            found = find_instance(backend, instance_id)
            if found is not None:
                break
        else:
            raise LookupError(f"There is no instance {instance_id!r}. {_LIST['instance']}")
        if found.state != "running":
            raise LookupError(
                f"Instance {instance_id} is {found.state}: nothing runs on it. "
                f'Start it: boto3.client("ec2").start_instances(InstanceIds=["{instance_id}"])'
            )
        handle, url = self._serve(
            instance_id, lambda: InstanceMetadata(self._lab, backend, instance_id).handle
        )
        environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
        with self._be(backend.region_name, environment, handle):
            yield

    @contextmanager
    def task(self, task_arn: str) -> Iterator[None]:
        """Be a container of an ECS task; see :meth:`iamlab.account.lab.Lab.on_task`."""
        account = task_arn.split(":")[4] if task_arn.count(":") >= 5 else self._lab.account_id
        for backend in self._lab.state.everywhere("ecs", account):
            tasks = (t for kept in list(backend.tasks.values()) for t in kept.values())
            found = next((t for t in tasks if task_arn in (t.task_arn, t.id)), None)
            if found is not None:
                break
        else:
            raise LookupError(f"There is no task {task_arn!r}. {_LIST['task']}")
        if found.desired_status != "RUNNING":
            raise LookupError(f"Task {found.id} is stopped: nothing runs in it. Run another.")
        environment = {"AWS_EXECUTION_ENV": f"AWS_ECS_{found.launch_type or 'EC2'}"}
        handle: Handle | None = None
        role_arn = task_role(backend, found)
        if role_arn:
            task = self._tasks.setdefault(found.id, _Task(self._lab, backend, found, role_arn))
            handle, url = self._serve(found.id, lambda: task.handle)
            environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url + task.path
            environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = task.token
        else:
            environment["AWS_EC2_METADATA_DISABLED"] = "true"
        with self._be(backend.region_name, environment, handle):
            yield

    @contextmanager
    def function(self, name: str) -> Iterator[None]:
        """Be a Lambda function; see :meth:`iamlab.account.lab.Lab.on_function`."""
        lab = self._lab
        account = name.split(":")[4] if name.startswith("arn:") else lab.account_id
        for backend in lab.state.everywhere("lambda", account):
            kept = [versions.get("latest") for versions in backend._lambdas._functions.values()]
            found = next((f for f in kept if f and name in (f.function_name, f.function_arn)), None)
            if found is not None:
                break
        else:
            raise LookupError(f"There is no function {name!r}. {_LIST['function']}")
        role = find_role(lab, account, found.role)
        if role is None:
            raise LookupError(f"The role {found.role} of function {name} is gone.")
        try:
            session = service_roles.assume(
                lab,
                FUNCTIONS,
                role,
                found.function_name,
                seconds=FUNCTION_LIFETIME,
                source_arn=found.function_arn,
                region=backend.region_name,
                keys={"lambda:SourceFunctionArn": found.function_arn},
            )
        except AwsError:
            raise PermissionError(
                f"Lambda cannot assume the role {role.name} of function {name}: see what its trust "
                "policy says of lambda.amazonaws.com. lab.why() tells more."
            ) from None
        environment = {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret,
            "AWS_SESSION_TOKEN": session.token,
            "AWS_LAMBDA_FUNCTION_NAME": found.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found.memory_size),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{found.run_time or ''}",
            "AWS_EC2_METADATA_DISABLED": "true",  # no instance is behind a function
        }
        with self._be(backend.region_name, environment, None):
            yield

    def forget(self) -> None:
        """Stop the servers and forget the credentials that they gave out."""
        for _, undo in reversed(self._here):
            undo.close()
        self._here.clear()
        for _, endpoint in self._known.values():
            endpoint.stop()
        self._known.clear()
        self._tasks.clear()

    def _serve(self, name: str, make: Callable[[], Handle]) -> tuple[Handle, str]:
        """Put a credentials service on loopback, for programs that this process starts."""
        from iamlab.account.endpoint import Endpoint

        if name not in self._known:
            unlocked = make()

            def handle(request: HttpRequest) -> Response:
                with self._lab.gate.lock:  # moto is not written for threads
                    return unlocked(request)

            self._known[name] = (handle, Endpoint(handle))
        handle, endpoint = self._known[name]
        return handle, endpoint.url

    @contextmanager
    def _be(self, region: str, given: dict[str, str], handle: Handle | None) -> Iterator[None]:
        """Give this process another environment, and put back the old one afterwards."""
        others = {n for n in os.environ if n.upper().startswith(("AWS_", "BOTO_"))} - {*_KEPT}
        environment: dict[str, str | None] = dict.fromkeys(others) | {
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BOTO_CONFIG": os.devnull,  # the last place where boto3 looks, before the instance
            **given,
        }
        core = botocore.session.Session()
        core.register_component("data_loader", self._loader)
        with ExitStack() as undo:
            for name, value in environment.items():
                undo.callback(_set, name, os.environ.get(name))
                _set(name, value)
            undo.callback(setattr, boto3, "DEFAULT_SESSION", boto3.DEFAULT_SESSION)
            boto3.DEFAULT_SESSION = boto3.Session(botocore_session=core)
            here = (handle, undo)
            self._here.append(here)
            try:
                yield
            finally:
                if here in self._here:
                    self._here.remove(here)


class _Task:
    """The credentials of one ECS task, at an address that only its containers know.

    Source: "Amazon ECS task IAM role", Amazon ECS Developer Guide.
    """

    def __init__(self, lab: Lab, backend: Any, task: Any, role_arn: str) -> None:
        self._lab, self._backend, self._task, self._role_arn = lab, backend, task, role_arn
        self._session: Session | None = None
        self.path = f"/v2/credentials/{uuid4()}"
        self.token = secrets.token_urlsafe(32)

    def handle(self, request: HttpRequest) -> Response:
        """Give the role's credentials to who knows the path, and on loopback the token too."""
        if request.path != self.path:
            return _refused(400, "InvalidIdInRequest", "CredentialsManager: Credentials not found")
        given = request.headers.get("authorization", "")
        link_local = request.netloc.startswith("169.254.")
        if not link_local and not secrets.compare_digest(given, self.token):
            return _refused(401, "Unauthorized", "The authorization token is missing or wrong")
        session = self._fresh() if self._task.desired_status == "RUNNING" else None
        if session is None:
            return _refused(400, "InvalidIdInRequest", "CredentialsManager: Credentials not found")
        said = {
            "RoleArn": session.principal_arn,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "Token": session.token,
            "Expiration": session.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return 200, {"content-type": "application/json"}, json.dumps(said).encode()

    def _fresh(self) -> Session | None:
        """The role's credentials; None if ECS cannot assume it any more."""
        from iamlab.account.instance_metadata import RENEWED_BEFORE

        session = self._session
        if session is None or self._lab.clock.now() >= session.expires - RENEWED_BEFORE:
            role = find_role(self._lab, self._backend.account_id, self._role_arn)
            try:
                session = role and service_roles.assume(
                    self._lab,
                    TASKS,
                    role,
                    self._task.id,
                    seconds=TASK_LIFETIME,
                    source_arn=self._task.task_arn,
                    region=self._backend.region_name,
                )
            except AwsError:
                session = None
            self._session = session
        return session


_LIST = {
    "instance": 'boto3.client("ec2").describe_instances() lists those there are.',
    "task": 'boto3.client("ecs").list_tasks(cluster="...") lists those there are.',
    "function": 'boto3.client("lambda").list_functions() lists those there are.',
}


def task_role(backend: Any, task: Any) -> str | None:
    """The ARN of a task's role: what the RunTask call said goes before the task definition."""
    definition = backend.describe_task_definition(task.task_definition_arn)
    overrides = task.overrides or {}
    return overrides.get("taskRoleArn") or getattr(definition, "task_role_arn", None)


def _refused(status: int, code: str, message: str) -> Response:
    """As the ECS agent words it; public logs [O]."""
    said = {"code": code, "message": message, "HTTPErrorCode": status}
    return status, {"content-type": "application/json"}, json.dumps(said).encode()


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
