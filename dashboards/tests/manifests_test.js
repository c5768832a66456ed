// The manifests for Kubernetes, as kubectl puts them together: every object against the schema of its kind (kubernetes-models), and
// what they say of each other.
//
//   node manifests_test.js FOLDER ALLOCLABD
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import {loadAll} from 'js-yaml';

const [, , FOLDER, ALLOCLABD] = process.argv;
const objects = loadAll(execFileSync('kubectl', ['kustomize', FOLDER], {encoding: 'utf8'}));
const of = (kind) => objects.filter((object) => object.kind === kind);
const names = (kind) => of(kind).map(({metadata}) => metadata.name);
const pods = [...of('Deployment'), ...of('Job')].map(({metadata, spec}) => ({name: metadata.name, ...spec.template}));

async function check(object) {
  const {[object.kind]: Kind} = await import(`kubernetes-models/${object.apiVersion}/${object.kind}`);
  new Kind(object).validate();
}

for (const object of objects) test(`${object.kind} ${object.metadata.name} is what its schema says`, () => check(object));

test('the schema finds what is wrong', async () => {
  const wrong = structuredClone(of('Deployment')[0]);
  wrong.spec.replicas = 'three';
  await assert.rejects(check(wrong), /replicas must be integer/);
});

test('every service and selector finds pods, and their ports', () => {
  for (const {metadata, spec} of of('Service')) {
    const found = pods.filter((pod) => Object.entries(spec.selector).every(([name, value]) => pod.metadata.labels[name] === value));
    assert.equal(found.length, 1, metadata.name);
    const open = found[0].spec.containers.flatMap(({ports}) => ports ?? []).map(({containerPort}) => containerPort);
    for (const {port} of spec.ports) assert.ok(open.includes(port), `${metadata.name}: nobody listens at ${port}`);
  }
  for (const {metadata, spec} of of('Deployment')) assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels, metadata.name);
});

test('what a pod mounts is there', () => {
  for (const {name, spec} of pods) {
    for (const {configMap, persistentVolumeClaim: claim} of spec.volumes ?? []) {
      if (configMap) assert.ok(names('ConfigMap').includes(configMap.name), `${name}: ${configMap.name}`);
      if (claim) assert.ok(names('PersistentVolumeClaim').includes(claim.claimName), `${name}: ${claim.claimName}`);
    }
    for (const {volumeMounts} of spec.containers) {
      for (const mount of volumeMounts ?? []) assert.ok(spec.volumes.some((volume) => volume.name === mount.name), `${name}: ${mount.name}`);
    }
  }
});

test('every pod runs as somebody, without rights, and within bounds', () => {
  for (const {name, spec} of pods) {
    assert.equal(spec.securityContext.runAsNonRoot, true, name);
    assert.equal(spec.automountServiceAccountToken, false, name);
    for (const container of spec.containers) {
      assert.deepEqual(container.securityContext.capabilities.drop, ['ALL'], name);
      assert.equal(container.securityContext.allowPrivilegeEscalation, false, name);
      assert.ok(container.resources.limits.memory, name);
    }
  }
});

test('the variables of the servers are options of alloclabd', () => {
  const options = execFileSync(ALLOCLABD, ['--help'], {encoding: 'utf8'});
  const server = pods.find(({name}) => name === 'server');
  const given = server.spec.containers[0].env.map(({name}) => name).filter((name) => name.startsWith('ALLOCLAB_'));
  assert.ok(given.length > 0);
  for (const name of given) assert.match(options, new RegExp(`\\b${name}\\]`), `${name} is no option`);
});
