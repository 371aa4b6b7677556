"""The lab: starts and stops the pretend AWS, and gives sessions, the clock and the record."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session

from iamlab.account import seam
from iamlab.account.attached import Attached
from iamlab.account.callers import Caller, Callers, new_key_id, new_secret
from iamlab.account.clock import Clock
from iamlab.account.gate import Gate
from iamlab.account.trail import Refusal, Trail
from iamlab.account.workloads import Workloads

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pandas as pd

    from iamlab.account.bring import Loaded
    from iamlab.account.endpoint import Endpoint
    from iamlab.account.errors import Response
    from iamlab.account.issuer import Issuer
    from iamlab.account.shell import Shell, Unserved
    from iamlab.account.wire import HttpRequest
    from iamlab.policy import Decision

LEARNER_ACCOUNT = "111122223333"
# Nothing listens there. Programs that this process starts (the AWS CLI) read it from their
# environment, and so cannot reach the real AWS by mistake before lab.serve().
_NOWHERE = "http://127.0.0.1:9"
_DIRECT = ("127.0.0.1", "localhost", "169.254.169.254", "169.254.170.2")

# Reading botocore's models is most of what a new client costs: each is read once a process.
_LOADER = botocore.loaders.Loader()
_running: Lab | None = None
_starting = threading.RLock()


def start(account_id: str | None = None, region: str | None = None) -> Lab:
    """Start this process's lab, or return the one that runs.

    Parameters
    ----------
    account_id : str, optional
        The learner's account, 12 digits; 111122223333 if not given.
    region : str, optional
        us-east-1 if not given.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If the account ID is not 12 digits, or a lab with another one already runs.

    Examples
    --------
    >>> with start() as lab:
    ...     lab.account_id
    '111122223333'
    """
    global _running
    with _starting:
        if _running is None:
            _running = Lab(account_id or LEARNER_ACCOUNT, region or "us-east-1")
            try:
                _running._start()
            except BaseException:
                _running = None
                raise
        asked = (account_id or _running.account_id, region or _running.region)
        if asked != (_running.account_id, _running.region):
            raise ValueError(
                f"A lab with account {_running.account_id} in {_running.region} already runs. "
                "Call lab.stop() first to start another."
            )
        return _running


class Lab:
    """A pretend AWS in this process. Make one with :func:`iamlab.start`.

    Attributes
    ----------
    account_id : str
        The learner's account.
    region : str
        Where clients go that name no region.
    source_ip : str
        The caller's address that conditions see; set it to call from elsewhere.
    clock : Clock
        Lab time.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     _ = boto3.client("iam").create_user(UserName="analyst")
    ...     lab.session("user/analyst").client("sts").get_caller_identity()["Arn"]
    'arn:aws:iam::111122223333:user/analyst'
    """

    def __init__(self, account_id: str, region: str) -> None:
        _check_account(account_id)
        self.account_id = account_id
        self.region = region
        self.source_ip = "203.0.113.10"
        self.clock = Clock()
        self.state = seam.State()
        self.callers = Callers(self.state, self.clock)
        self.attached = Attached(self.state)
        self.trail = Trail()
        self.issuers: dict[str, Issuer] = {}
        self.gate = Gate(self)
        self._workloads = Workloads(self, _LOADER)
        self._administrators: dict[str, tuple[str, str]] = {}
        self._signed_in: dict[str, tuple[str, str]] = {}
        self._endpoint: Endpoint | None = None
        self._shell: Shell | None = None
        self._unserved: Unserved | None = None
        self._installation: seam.Installation | None = None
        self._default_session: Any = None

    # --- Start and stop ---------------------------------------------------------------------

    def _start(self) -> None:
        key_id, secret = self._administrator_key(self.account_id)
        from iamlab.account.shell import Unserved

        self._unserved = Unserved()
        self._installation = seam.Installation(
            self.gate.handle,
            self.clock,
            self._environment(key_id, secret),
            self._workloads.answer,
        )
        self._installation.install()
        self._default_session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
        seam.wipe()
        self._open(self.account_id)

    def _environment(self, key_id: str, secret: str) -> dict[str, str | None]:
        assert self._unserved is not None
        # Whatever says where real credentials are is out of sight until stop().
        hidden: dict[str, str | None] = {
            name: None for name in os.environ if name.upper().startswith(("AWS_", "BOTO_"))
        }
        # What is on this machine is never asked for through a proxy.
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        direct = ",".join(filter(None, (direct, *_DIRECT)))
        return hidden | {
            "PATH": self._unserved.path,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BOTO_CONFIG": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": _NOWHERE,
        }

    def stop(self) -> None:
        """Stop the lab: forget its accounts and put back everything it changed.

        Examples
        --------
        >>> start().stop()
        """
        global _running
        with _starting:
            if _running is not self:
                return
            self._workloads.forget()
            if self._endpoint is not None:
                self._endpoint.stop()
                self._endpoint = None
            if self._shell is not None:
                self._shell.remove()
                self._shell = None
            if self._unserved is not None:
                self._unserved.remove()
            seam.wipe()
            assert self._installation is not None
            self._installation.uninstall()
            boto3.DEFAULT_SESSION = self._default_session
            _running = None

    def reset(self) -> None:
        """Empty every account, the record and the clock; the administrator's clients go on working.

        Examples
        --------
        >>> with start() as lab:
        ...     lab.reset()
        """
        self.check_running()
        self._workloads.forget()
        seam.wipe()
        self.clock.restart()
        self.callers.forget()
        self.trail.records.clear()
        self.issuers.clear()
        self._signed_in.clear()
        self.source_ip = "203.0.113.10"
        self.state.changed()
        for account in list(self._administrators):
            self._open(account)
        if self._shell is not None:
            self._shell.renew()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if _running is self else "stopped"
        return f"<iamlab: account {self.account_id}, {self.region}, {state}>"

    # --- Sessions ---------------------------------------------------------------------------

    def account(self, account_id: str) -> boto3.Session:
        """Return a session of the administrator of any account; the account is opened if new.

        Parameters
        ----------
        account_id : str
            12 digits.

        Returns
        -------
        boto3.Session

        Examples
        --------
        >>> with start() as lab:
        ...     partner = lab.account("444455556666")
        ...     partner.client("sts").get_caller_identity()["Account"]
        '444455556666'
        """
        self.check_running()
        _check_account(account_id)
        if account_id not in self._administrators:
            self._open(account_id)
        return self._session(*self._administrator_key(account_id))

    def session(self, who: str, account: str | None = None) -> boto3.Session:
        """Return a session signed in as a user, as a role, or as the root user.

        Parameters
        ----------
        who : str
            ``"user/analyst"``, ``"role/report-writer"`` (the administrator assumes it: the trust
            policy must allow that), ``"root"``, or the ARN of one of these.
        account : str, optional
            Whose; the learner's if not given.

        Returns
        -------
        boto3.Session
            For a user with a real access key of that user: a user may have two. In an account
            that was loaded, with a key that no list and no report shows.

        Raises
        ------
        LookupError
            If there is no such user.

        Examples
        --------
        >>> import boto3
        >>> with start() as lab:
        ...     _ = boto3.client("iam").create_user(UserName="analyst")
        ...     lab.session("user/analyst").client("sts").get_caller_identity()["Arn"]
        'arn:aws:iam::111122223333:user/analyst'
        """
        self.check_running()
        if who.startswith("arn:"):
            parts = who.split(":", 5)
            account, who = parts[4], parts[5]
        account = account or self.account_id
        kind, _, name = who.partition("/")
        name = name.rsplit("/", 1)[-1]
        if who == "root":
            return self._session(*self.callers.root_key(account))
        if kind == "user" and name:
            return self._session(*self._user_key(account, name))
        if kind == "role" and name:
            role = self.state.role(account, name)
            arn = role.arn if role is not None else f"arn:aws:iam::{account}:role/{name}"
            made = (
                self.account(account)
                .client("sts")
                .assume_role(RoleArn=arn, RoleSessionName="lab-session")["Credentials"]
            )
            return self._session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        raise LookupError(
            f"{who!r} names nobody. Write 'user/NAME', 'role/NAME', 'root', or an ARN of one."
        )

    # --- Bring your own account -------------------------------------------------------------

    def load(
        self,
        account: str | os.PathLike[str] | dict[str, Any] | list[dict[str, Any]],
        *,
        bucket_policies: Any = None,
        scps: Any = None,
        credential_report: Any = None,
        account_id: str | None = None,
        replace: bool = False,
    ) -> Loaded:
        """Rebuild a real account in the lab from what the AWS CLI wrote. Nothing is sent anywhere.

        Afterwards ``lab.account(ID)`` is an administrator of it, ``lab.session("user/NAME", ID)``
        any of its users, and ``lab.decide`` and the simulator tell who can do what. The lab's own
        administrator and keys are hidden: no list or report of the account shows them.

        Parameters
        ----------
        account : path, dict or list of dict
            The file of ``aws iam get-account-authorization-details > account.json``, or what
            boto3 returned; a list is several pages.
        bucket_policies : path or dict, optional
            Bucket name -> its policy: a document, its text, or the answer of ``aws s3api
            get-bucket-policy``. The buckets are made, empty.
        scps : path or list of list, optional
            One list a level, root first, account last; in it documents, their texts, or answers
            of ``aws organizations describe-policy``. An organization is made.
        credential_report : path, str or dict, optional
            The CSV file (or its text), or the answer of ``aws iam get-credential-report``.
        account_id : str, optional
            Needed if nothing in the file names the account.
        replace : bool
            Forget what the lab's account of that ID holds. Without it, that is refused.

        Returns
        -------
        Loaded
            How much was loaded, and in ``notes`` what was left out or made up. Print it. A
            policy that the lab cannot read is kept, and denies everything.

        Raises
        ------
        AccountFileError
            A ValueError that says where the file is wrong. The lab is then as it was.

        Notes
        -----
        Source: "GetAccountAuthorizationDetails", IAM API Reference.

        Examples
        --------
        >>> with start() as lab:
        ...     mine = lab.save()
        ...     mine["UserDetailList"][0]["UserName"]
        ...     lab.load(mine, replace=True).counts["users"]
        'administrator'
        1
        """
        self.check_running()
        from iamlab.account import bring

        return bring.load(
            self,
            account,
            bucket_policies=bucket_policies,
            scps=scps,
            credential_report=credential_report,
            account_id=account_id,
            replace=replace,
        )

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        account: str | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Write an account's users, groups, roles and policies as the AWS CLI would.

        Parameters
        ----------
        path : str or path, optional
            Where; nothing is written if not given. A file that is there and says something else
            is left alone.
        account : str, optional
            Whose; the learner's if not given.
        overwrite : bool
            Write over a file that is there.

        Returns
        -------
        dict
            What ``aws iam get-account-authorization-details`` prints; ``lab.load`` takes it. It
            has no passwords, keys, MFA devices, buckets or SCPs.

        Raises
        ------
        FileExistsError
            If the file is there and says something else.
        LookupError
            If the lab has no such account.

        Examples
        --------
        >>> with start() as lab:
        ...     sorted(lab.save())
        ['GroupDetailList', 'Policies', 'RoleDetailList', 'UserDetailList']
        """
        self.check_running()
        from iamlab.account import bring

        return bring.save(self, path, account, overwrite)

    # --- Code that runs in AWS --------------------------------------------------------------

    def on_instance(
        self, instance_id: str, account: str | None = None
    ) -> AbstractContextManager[None]:
        """Be on an EC2 instance: inside the ``with``, this process is that instance.

        There are no keys anywhere: none in the environment, none in a file. ``boto3`` asks the
        instance metadata service, which gives out temporary credentials of the instance's role.
        So do ``requests`` and ``boto3`` at http://169.254.169.254, as AWS's documentation writes
        it. Programs that are started from here (the AWS CLI, curl) cannot reach that address:
        they find the same service at the URL in ``AWS_EC2_METADATA_SERVICE_ENDPOINT``. For the
        AWS CLI call :meth:`serve` first.

        Make clients inside the ``with``. A client made outside stays who it was. The environment
        belongs to the whole process: other threads are on the instance too.

        Parameters
        ----------
        instance_id : str
            Such as ``"i-0abc1234def567890"``, of a running instance.
        account : str, optional
            Whose; the learner's if not given.

        Raises
        ------
        LookupError
            If there is no such instance, or it does not run.

        See Also
        --------
        iamlab.account.instance_metadata : the paths, and what differs from AWS

        Examples
        --------
        >>> import boto3
        >>> with start() as lab:
        ...     made = boto3.client("ec2").run_instances(
        ...         ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        ...     with lab.on_instance(made["Instances"][0]["InstanceId"]):
        ...         boto3.Session().get_credentials() is None  # it has no role
        True
        """
        self.check_running()
        return self._workloads.instance(instance_id, account)

    def on_task(self, task_arn: str) -> AbstractContextManager[None]:
        """Be in a container of an ECS task: inside the ``with``, this process runs there.

        ``boto3`` and every program started from here find the task role's credentials at the
        address in ``AWS_CONTAINER_CREDENTIALS_FULL_URI``. (On AWS the variable is
        ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI``, and the address 169.254.170.2: only a
        container reaches it.) A task without a task role has no credentials.

        Parameters
        ----------
        task_arn : str
            ARN or ID of a running task.

        Raises
        ------
        LookupError
            If there is no such task, or it does not run.
        """
        self.check_running()
        return self._workloads.task(task_arn)

    def on_function(self, name: str) -> AbstractContextManager[None]:
        """Be a Lambda function: inside the ``with``, this process runs as the function does.

        Lambda assumes the function's role and puts the temporary credentials in the environment
        variables that every SDK reads. The lab does not run the function's own code.

        Parameters
        ----------
        name : str
            Name or ARN of the function.

        Raises
        ------
        LookupError
            If there is no such function, or its role is gone.
        PermissionError
            If the role's trust policy does not let Lambda assume it.
        """
        self.check_running()
        return self._workloads.function(name)

    def issuer(self, url: str) -> Issuer:
        """Return an identity provider of the lab that signs tokens, such as a CI service.

        Parameters
        ----------
        url : str
            The issuer's URL, as in ``create_open_id_connect_provider(Url=...)``.

        Returns
        -------
        Issuer
            The same one for the same URL.

        Raises
        ------
        ValueError
            If the URL does not begin with ``https://``.

        Examples
        --------
        >>> with start() as lab:
        ...     token = lab.issuer("https://ci.larkfield.example").token(sub="repo:maps:main")
        """
        self.check_running()
        from iamlab.account.issuer import Issuer

        if url not in self.issuers:
            self.issuers[url] = Issuer(url, self.clock)
        return self.issuers[url]

    # --- Questions --------------------------------------------------------------------------

    def decide(
        self,
        principal: str | boto3.Session,
        action: str,
        resource: str = "*",
        context: dict[str, Any] | None = None,
        account: str | None = None,
    ) -> Decision:
        """Ask what the accounts' present policies say of one action, without making the call.

        Parameters
        ----------
        principal : str or boto3.Session
            ``"user/analyst"``, ``"role/report-writer"``, ``"root"``, an ARN, a session, or a
            service such as ``"ec2.amazonaws.com"``, which only resource policies know.
        action, resource : str
            Such as ``"s3:GetObject"`` and ``"arn:aws:s3:::reports/q3.csv"``.
        context : dict, optional
            Condition keys of the request.
        account : str, optional
            Whose user or role; the learner's if not given.

        Returns
        -------
        Decision

        Raises
        ------
        LookupError
            If there is no such principal.

        Examples
        --------
        >>> with start() as lab:
        ...     lab.decide("user/administrator", "s3:ListAllMyBuckets").effect
        'allowed'
        """
        self.check_running()
        caller = self._principal(principal, account)
        owner, policy_of = self._owner(action, resource)
        return self.gate.decide(
            caller, action, resource, context, resource_account=owner, policy_of=policy_of
        )

    def history(self) -> pd.DataFrame:
        """Return every call so far: time, principal, action, resource, decision, reason.

        Examples
        --------
        >>> with start() as lab:
        ...     len(lab.history())
        0
        """
        return self.trail.frame()

    def why(self) -> Decision | Refusal | None:
        """Return the Decision behind the last denial; print it to read why.

        Returns
        -------
        Decision or Refusal or None
            A Refusal if AWS did not accept the caller at all; None if nothing was denied yet.

        Examples
        --------
        >>> with start() as lab:
        ...     lab.why() is None
        True
        """
        return self.trail.last_denial()

    def serve(self, port: int = 0, quiet: bool = False) -> str:
        """Put the lab on 127.0.0.1 too, for the AWS CLI and other programs.

        The account stays the same one. From then on ``!aws iam list-users`` works in a notebook
        cell, and so does any program started from here that reads AWS's own environment
        variables. The CLI's settings and profiles are files in a private folder of the lab; your
        own ``.aws`` folder is neither read nor changed. :meth:`stop` removes them.

        The first time, this prints the line that leads another terminal to the lab.

        Parameters
        ----------
        port : int
            0 takes a free one.
        quiet : bool
            True prints nothing.

        Returns
        -------
        str
            The endpoint's URL.

        Raises
        ------
        OSError
            If the port is taken.
        ValueError
            If the lab already listens on another port.

        Examples
        --------
        >>> with start() as lab:
        ...     url = lab.serve()  # doctest: +ELLIPSIS
        The lab is at http://127.0.0.1:...
        """
        self.check_running()
        if self._endpoint is None:
            self._listen(port)
            if not quiet:
                print(
                    f"The lab is at {self._endpoint.url}. Now !aws iam list-users works here.\n"
                    f"In another terminal, run this first:  {self.shell()}"
                )
        if port and not self._endpoint.url.endswith(f":{port}"):
            raise ValueError(f"This lab already listens at {self._endpoint.url}, and only there.")
        return self._endpoint.url

    def shell(self) -> str:
        """Return the line to run in another terminal, so that programs there find the lab.

        Returns
        -------
        str
            For bash, zsh and sh; on Windows for PowerShell.

        Examples
        --------
        >>> with start() as lab:
        ...     line = lab.shell()
        """
        self.serve(quiet=True)
        assert self._shell is not None
        return self._shell.line()

    def _listen(self, port: int) -> None:
        from iamlab.account.aws_command import LAB_TIME
        from iamlab.account.endpoint import Endpoint
        from iamlab.account.shell import Shell

        def handle(request: HttpRequest) -> Response:
            if request.path == LAB_TIME:
                return 200, {"content-type": "text/plain"}, f"{self.clock.now():%FT%TZ}".encode()
            return self.gate.handle(request)

        try:
            self._endpoint = Endpoint(handle, port)
        except OSError as error:
            raise OSError(
                f"Port {port} cannot be used: {error.strerror}. Port 0 takes a free one."
            ) from error
        key = self._administrator_key(self.account_id)
        self._shell = Shell(self._endpoint.url, self.region, *key)
        assert self._installation is not None
        for name, value in self._shell.environment.items():
            self._installation.set_environment(name, value)

    # --- Helpers ----------------------------------------------------------------------------

    def check_running(self) -> None:
        """Raise a RuntimeError that says what to do, if the lab was stopped."""
        if _running is not self:
            raise RuntimeError("This lab is stopped. Start one with: lab = iamlab.start()")

    def _administrator_key(self, account: str) -> tuple[str, str]:
        if account not in self._administrators:
            self._administrators[account] = (new_key_id("AKIA"), new_secret())
        return self._administrators[account]

    def _open(self, account: str) -> None:
        seam.make_administrator(self.state, account, *self._administrator_key(account))
        self.state.changed()

    def _session(self, key_id: str, secret: str, token: str | None = None) -> boto3.Session:
        core = botocore.session.Session()
        core.register_component("data_loader", _LOADER)
        return boto3.Session(key_id, secret, token, self.region, botocore_session=core)

    def _user_key(self, account: str, name: str) -> tuple[str, str]:
        backend = self.state.iam(account)
        user = backend.users.get(name)
        if user is None:
            raise LookupError(
                f"There is no user {name!r} in account {account}. Create it first: "
                f'boto3.client("iam").create_user(UserName="{name}")'
            )
        if account in self.callers.administrators:
            return self.callers.hidden_key(account, user.id)
        known = self._signed_in.get(user.id)
        if known is not None:
            key = backend.access_keys.get(known[0])
            if key is not None and key.status == "Active":
                return known
        made = backend.create_access_key(name)
        self.state.changed()
        self._signed_in[user.id] = (made.access_key_id, made.secret_access_key)
        return self._signed_in[user.id]

    def _principal(self, principal: str | boto3.Session, account: str | None = None) -> Caller:
        if isinstance(principal, boto3.Session):
            credentials = principal.get_credentials()
            found = self.callers.find(credentials.access_key) if credentials else None
            if found is None:
                raise LookupError("The lab does not know the credentials of this session.")
            return found.caller
        if principal.endswith(".amazonaws.com"):
            return Caller("service", "", principal, principal, principal, principal)
        arn = principal
        if not principal.startswith("arn:"):
            arn = f"arn:aws:iam::{account or self.account_id}:{principal}"
        caller = self.callers.principal(arn)
        if caller is None:
            raise LookupError(f"There is nobody with the ARN {arn} in the lab.")
        return caller

    def _owner(self, action: str, resource: str) -> tuple[str | None, tuple[Any, ...] | None]:
        """Return the account that owns a resource, and whose resource policy applies."""
        parts = resource.split(":", 5)
        if len(parts) != 6:
            return None, None
        service, region, account, rest = parts[2], parts[3], parts[4], parts[5]
        kind, _, name = rest.partition("/")
        if service == "s3":
            return self.state.bucket_account(kind), ("bucket", kind)
        if service == "sqs":
            return account, ("queue", account, region, rest)
        if service == "iam" and kind == "role" and action.lower().startswith("sts:"):
            return account, ("role", account, name.rsplit("/", 1)[-1])
        if service == "kms" and kind == "key":
            return account, ("key", account, region, name)
        if service == "secretsmanager":
            return account, ("secret", account, region, resource)
        if service == "lambda" and rest.startswith("function:"):
            return account, ("function", account, region, rest.split(":")[1])
        if service == "dynamodb" and kind == "table":
            return account, ("table", account, region, name.split("/")[0])
        return account or None, None


def _check_account(account_id: str) -> None:
    if not (isinstance(account_id, str) and len(account_id) == 12 and account_id.isdigit()):
        raise ValueError(f"{account_id!r} is not an account ID: that is a text of 12 digits")
