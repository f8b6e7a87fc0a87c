import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep } from '../install/run-step.ts';

/** Somebody who has a certificate: `name` is that of its files, `subject` who it is to Kubernetes. */
export type Identity = {
  name: string;
  /** Such as `/O=system:nodes/CN=system:node:node1`. */
  subject: string;
  /** What a server is reached by, such as `IP:127.0.0.1`; a pure client has none. */
  reachedAs?: readonly string[];
};

/** No cluster of ours lives longer. */
const days = '30';
const hint = 'this is a fault of ours, or of an OpenSSL older than 3.0';
/** Elliptic keys: made in a millisecond, where RSA takes half a second each. */
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
/** The machine's own configuration could add extensions that make every certificate an authority. */
const config = '[req]\ndistinguished_name = subject\n[subject]\n';

function extension(value: string): string[] {
  return ['-addext', value];
}

/** Writes `ca.crt`, a `.crt` and `.key` for each identity, and `service-accounts.key` and `.pub`, readable by us alone. */
export async function createCertificates(
  folder: string,
  identities: readonly Identity[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const configFile = join(folder, 'openssl.cnf');
  await writeFile(configFile, config);
  const request = async (name: string, args: readonly string[]): Promise<void> => {
    const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
    await runStep({
      doing: `make a certificate for ${name}`,
      command: 'openssl',
      args: ['req', '-x509', '-config', configFile, '-days', days, ...newKey, ...files, ...args],
      hint,
    });
  };
  await request('ca', [
    '-subj',
    '/CN=spotloop',
    ...extension('basicConstraints=critical,CA:TRUE'),
    ...extension('keyUsage=critical,digitalSignature,keyCertSign'),
  ]);
  await Promise.all(
    identities.map(({ name, subject, reachedAs = [] }) =>
      request(name, [
        '-CA',
        join(folder, 'ca.crt'),
        '-CAkey',
        join(folder, 'ca.key'),
        '-subj',
        subject,
        ...extension('basicConstraints=critical,CA:FALSE'),
        ...extension('extendedKeyUsage=clientAuth,serverAuth'),
        ...(reachedAs.length > 0 ? extension(`subjectAltName=${reachedAs.join()}`) : []),
      ]),
    ),
  );
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(join(folder, 'service-accounts.key'), keys.privateKey, { mode: 0o600 });
  await writeFile(join(folder, 'service-accounts.pub'), keys.publicKey);
}

/** Writes a kubeconfig that holds its certificates, and gives back its path. */
export async function writeKubeconfig(options: {
  file: string;
  certificateFolder: string;
  /** The identity's name. */
  user: string;
  server: string;
}): Promise<string> {
  const { file, certificateFolder, user, server } = options;
  const base64 = (name: string): Promise<string> =>
    readFile(join(certificateFolder, name), 'base64');
  const name = 'spotloop';
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': await base64('ca.crt') } }],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': await base64(`${user}.crt`),
          'client-key-data': await base64(`${user}.key`),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  };
  // JSON is YAML, too.
  await writeFile(file, JSON.stringify(kubeconfig, null, 2), { mode: 0o600 });
  return file;
}
