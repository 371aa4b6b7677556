// One call of the AWS SDK for JavaScript. It reads {service, command, input, credentials, role}
// from its first argument, and finds the lab by AWS's own environment variables, as any program.
// It prints {output} or {error: {name, message}}. A list of such calls runs in one process.
// {stream: true} sends the body as a stream, which the SDK does in chunks with a checksum behind.
import { Readable } from "node:stream";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import * as sts from "@aws-sdk/client-sts";
import { fromIni, fromTemporaryCredentials } from "@aws-sdk/credential-providers";

const clients = { iam: iam.IAMClient, s3: s3.S3Client, sts: sts.STSClient };
const commands = { ...iam, ...s3, ...sts };

function credentials({ credentials, role, profile }) {
  if (role) return fromTemporaryCredentials({ params: role });
  if (profile) return fromIni({ profile });
  return credentials && {
    accessKeyId: credentials.AccessKeyId,
    secretAccessKey: credentials.SecretAccessKey,
    sessionToken: credentials.SessionToken,
  };
}

const kept = {};

async function call(asked) {
  // The same caller keeps the same client, as a program would: its clock and its credentials too.
  const who = JSON.stringify([asked.service, asked.credentials, asked.role, asked.profile]);
  kept[who] ??= new clients[asked.service]({ credentials: credentials(asked), maxAttempts: 1 });
  if (asked.stream) asked.input.Body = Readable.from([Buffer.from(asked.input.Body)]);
  try {
    const output = await kept[who].send(new commands[asked.command + "Command"](asked.input ?? {}));
    if (output.Body) output.Body = await output.Body.transformToString();
    return { output };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
}

const answers = [];
for (const asked of JSON.parse(process.argv[2])) answers.push(await call(asked));
console.log(JSON.stringify(answers));
