// Every dashboard against the schema that Grafana publishes (@grafana/schema of the version that docker/Dockerfile names), offline: its
// JSON becomes constants of the published types, and TypeScript says what does not fit, also what no type knows.
//
//   node schema_test.js FOLDER
import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import ts from 'typescript';

const HERE = dirname(fileURLToPath(import.meta.url));
const FOLDER = process.argv[2];
const RAW = './node_modules/@grafana/schema/dist/types/raw';
const KINDS = {stat: 'Stat', timeseries: 'TimeSeries', heatmap: 'Heatmap'};  // of panels, and what the schema calls them

// JSON has no enumerations: their values stand for them. The schema leaves to data sources what a query is; these are Prometheus's.
const TYPES = `
import type {DataQuery} from '@grafana/schema';
import type * as schema from '${RAW}/dashboard/x/dashboard_types.gen';
${Object.entries(KINDS).map(([kind, name]) =>
    `import type * as ${kind} from '${RAW}/composable/${kind}/panelcfg/x/${name}PanelCfg_types.gen';`).join('\n')}
type Json<T> = unknown extends T ? T : T extends string ? \`\${T}\` : T extends boolean | null | undefined ? T
  : T extends number ? (number extends T ? T : \`\${T}\` extends \`\${infer N extends number}\` ? N : never)
  : T extends (infer Item)[] ? Json<Item>[] : T extends object ? {[Name in keyof T]: Json<T[Name]>} : T;
type Query = Json<DataQuery> & {expr: string; legendFormat?: string; format?: 'time_series' | 'table' | 'heatmap'; instant?: boolean; range?: boolean};
type Annotation = Json<schema.AnnotationQuery> & {expr: string; step?: string; titleFormat?: string; useValueForTime?: boolean};
type Fields<Custom> = Omit<Json<schema.FieldConfig>, 'custom'> & {custom?: Json<Custom>};
type PanelOf<Kind extends string, Options, Custom> = Omit<Json<schema.Panel>, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Kind; options: Json<Options>; targets: Query[]; fieldConfig: {defaults: Fields<Custom>; overrides: []}};
type Panel_stat = PanelOf<'stat', stat.Options, never>;
type Panel_timeseries = PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;
type Panel_heatmap = PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>;
type Panel_row = Json<schema.RowPanel>;
type Dashboard = Omit<Json<schema.Dashboard>, 'panels' | 'annotations'> & {annotations: {list: Annotation[]}};
`;

// A constant for the dashboard without its panels, and one for each of these.
function sourceOf({panels, ...dashboard}) {
  const constants = panels.map((panel) => {
    const type = panel.type === 'row' || panel.type in KINDS ? `Panel_${panel.type}` : 'never';
    return `const panel_${panel.id}: ${type} = ${JSON.stringify(panel, null, 1)};`;
  });
  return `${TYPES}const dashboard: Dashboard = ${JSON.stringify(dashboard, null, 1)};\n${constants.join('\n')}\nexport {};\n`;
}

// [{file, what}] of what does not fit; dashboards: {name: parsed JSON}.
function complaints(dashboards) {
  const sources = new Map(Object.entries(dashboards).map(([name, dashboard]) => [join(HERE, `${name}.ts`), sourceOf(dashboard)]));
  const options = {strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, types: []};
  const host = ts.createCompilerHost(options), {getSourceFile, fileExists, readFile} = host;
  host.getSourceFile = (file, ...more) => (sources.has(file) ? ts.createSourceFile(file, sources.get(file), ts.ScriptTarget.ES2022)
    : getSourceFile.call(host, file, ...more));
  host.fileExists = (file) => sources.has(file) || fileExists.call(host, file);
  host.readFile = (file) => sources.get(file) ?? readFile.call(host, file);
  return ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host)).map(({file, start, messageText}) => {
    const text = file ? file.text.slice(0, start).split('\n').at(-1) + file.text.slice(start).split('\n')[0] : '';
    return {file: file?.fileName.slice(HERE.length + 1).replace(/\.ts$/, ''), what: `${text.trim()}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`};
  });
}

const dashboards = Object.fromEntries(readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  .map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))]));

// What must be found, or silence would say nothing: {name: change of a dashboard that fits}.
const MISTAKES = {
  'a field that is not there': (it) => (it.panels[1].colour = 'red'),
  'a dashboard without a field that must be': (it) => delete it.schemaVersion,
  'a word of another enumeration': (it) => (it.panels.find(({type}) => type === 'timeseries').options.legend.displayMode = 'tabel'),
  'a number of no enumeration': (it) => (it.templating.list[1].hide = 7),
  'an option of another kind of panel': (it) => (it.panels.find(({type}) => type === 'stat').options.cellGap = 1),
  'a drawing option that is none': (it) => (it.panels.find(({type}) => type === 'timeseries').fieldConfig.defaults.custom.lineWith = 1),
  'a panel of an unknown kind': (it) => (it.panels[1].type = 'graph'),
  'a query without its expression': (it) => delete it.panels.find(({targets}) => targets).targets[0].expr,
  'a link of no kind': (it) => (it.links[0].type = 'page'),
};

test('every dashboard fits the published schema, and mistakes do not', () => {
  assert.ok(Object.keys(dashboards).length >= 6, `the dashboards of ${FOLDER}`);
  const wrong = Object.fromEntries(Object.entries(MISTAKES).map(([name, make]) => {
    const copy = structuredClone(dashboards['lab-overview.json']);
    make(copy);
    return [name, copy];
  }));
  const found = complaints({...dashboards, ...wrong});
  assert.deepEqual(found.filter(({file}) => !(file in MISTAKES)), []);
  const seen = new Set(found.map(({file}) => file));
  assert.deepEqual(Object.keys(MISTAKES).filter((name) => !seen.has(name)), [], 'mistakes that were not seen');
});

test('the schema is that of the Grafana in the image', () => {
  const [, image] = /^FROM grafana\/grafana:(\S+)/m.exec(readFileSync(join(HERE, '../../docker/Dockerfile'), 'utf8'));
  const {devDependencies} = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'));
  assert.equal(devDependencies['@grafana/schema'], image);
});
