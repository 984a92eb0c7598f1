import { publishBody } from '../test/support/world.ts'
import { machine, table, writeSection } from './report.ts'
import { openSetting } from './setting.ts'

const PUBLISHERS = 200
const PROJECTS = 50

/** Two hundred publishers at the same moment, into one project and into fifty of one group. */
export const run = async (): Promise<void> => {
  const setting = await openSetting()
  try {
    const { meter, world } = setting
    const rows: (string | number)[][] = []
    for (const count of [1, PROJECTS]) {
      const group = await world.group()
      const projects = await Promise.all(Array.from({ length: count }, () => world.project({ namespace_id: group.id })))
      const bodies = await Promise.all(
        Array.from({ length: PUBLISHERS }, (_, n) => publishBody(`package-${n % 20}`, `1.${n}.0`)),
      )
      await world.get(world.root, '/version')
      const started = performance.now()
      const { answer: answers, ...cost } = await meter.read(() =>
        Promise.all(
          bodies.map((body, n) =>
            world.call(world.root, 'PUT', `/projects/${projects[n % count]?.id}/packages/npm/${body.name}`, body),
          ),
        ),
      )
      const seconds = (performance.now() - started) / 1000
      const refused = answers.filter(({ status }) => status !== 200).length
      const total = (await world.get(world.root, `/groups/${group.id}/packages`)).headers['x-total']
      if (refused > 0 || total !== String(PUBLISHERS)) throw new Error(`${refused} were refused, ${total} are listed`)
      const figures = [(PUBLISHERS / seconds).toFixed(0), (cost.calls / PUBLISHERS).toFixed(1)]
      const units = [(cost.readUnits / PUBLISHERS).toFixed(1), (cost.writeUnits / PUBLISHERS).toFixed(1)]
      rows.push([count === 1 ? 'one project' : `${count} projects of one group`, ...figures, ...units, refused, total])
    }
    writeSection(
      'publish',
      [
        `${PUBLISHERS} publishes of npm packages at the same moment, in process, over DynamoDB Local, on ${machine()}. ` +
          'Calls and units are of one publish, with what it repeats because another came first.',
        table(['Into', 'Publishes a second', 'Calls', 'Read units', 'Write units', 'Refused', 'Listed after'], rows),
      ].join('\n\n'),
    )
  } finally {
    await setting.stop()
  }
}
