// render.js: draws Vega specifications with what Elasticsearch answered in the place of their question. On standard input
// {"jobs": [{"spec": …, "answer": …, "svg": FILE}]}; prints for each what was drawn: [{"note", "ribbons", "layers"}].
const fs = require('fs');
const vega = require('vega');

const WIDTH = 900, HEIGHT = 420;

function withAnswer(spec, answer) {
  for (const data of spec.data) {
    if (!data.url) continue;
    data.values = data.format.property.split('.').reduce((part, name) => part[name], answer);
    delete data.url;
    delete data.format;
  }
  return {...spec, width: WIDTH, height: HEIGHT};
}

function marks(group, name) {
  return (group.items || []).flatMap(item => item.name === name ? item.items : marks(item, name));
}

async function draw({spec, answer, svg}) {
  const problems = [];
  const logger = {level() { return this; }, error: (...all) => (problems.push(all.join(' ')), logger),
                  warn: (...all) => (problems.push(all.join(' ')), logger), info: () => logger, debug: () => logger};
  const view = new vega.View(vega.parse(withAnswer(spec, answer)), {renderer: 'none', logger});
  fs.writeFileSync(svg, await view.toSVG());
  const root = view.scenegraph().root;
  return {
    problems, note: view.signal('note'), height: view.signal('height'),
    ribbons: marks(root, 'ribbons').map(({datum, strokeWidth}) =>
        ({source: datum.source, destination: datum.destination, amount: datum.amount, width: strokeWidth})),
    layers: marks(root, 'layers').map(({datum}) => ({name: datum.name, time: datum.time, bits: datum.bits})),
  };
}

async function main() {
  const {jobs} = JSON.parse(fs.readFileSync(0, 'utf8'));
  console.log(JSON.stringify(await Promise.all(jobs.map(draw))));
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
