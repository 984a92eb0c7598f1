import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'

const DOCS = resolve(import.meta.dirname, '..', 'docs')
const CHARTS = join(DOCS, 'charts')

export const machine = () =>
  `${cpus().length} cores of ${cpus()[0]?.model ?? process.arch}, Node ${process.versions.node}`

/** A Markdown table; numbers stand to the right. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) => {
  const isNumber = head.map((_, column) => rows.every((row) => /^[\d.,–× %+-]+$/.test(String(row[column]))))
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(isNumber.map((is) => (is ? '---:' : '---'))), ...rows.map(line)].join('\n')
}

/** Puts a section between its two marks on a page of docs/, and shows it. */
export const writeSection = (name: string, text: string, file = 'performance.md') => {
  const place = join(DOCS, file)
  const page = readFileSync(place, 'utf8')
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${place} has no ${start} … ${end}`)
  writeFileSync(place, `${before}${start}\n\n${text.trim()}\n\n${end}${after}`)
  console.log(text)
}

export type Line = { name: string; points: readonly (readonly [x: number, y: number])[] }

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 360, 60, 190, 40, 50]
const COLOURS = ['#1f6feb', '#d1242f', '#2da44e', '#bf8700', '#8250df', '#57606a']
const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

/** Draws lines over a logarithmic axis, which starts at nothing upwards, into docs/charts. */
export const drawChart = (name: string, title: string, axes: { x: string; y: string }, lines: readonly Line[]) => {
  const all = lines.flatMap(({ points }) => points)
  const [least, most] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))]
  const top = Math.max(...all.map(([, y]) => y)) * 1.15
  const span = Math.log10(most) - Math.log10(least) || 1
  const x = (value: number) =>
    Math.round(LEFT + ((Math.log10(value) - Math.log10(least)) / span) * (WIDTH - LEFT - RIGHT))
  const y = (value: number) => Math.round(HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM))
  const ticks = [...new Set(all.map(([at]) => at))].sort((one, other) => one - other)
  const label = (at: number) => at.toLocaleString('en-US')
  const steps = [0, 0.25, 0.5, 0.75, 1].map((part) => part * top)
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...steps.flatMap((value) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#d0d7de"/>`,
      `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(value < 10 ? 1 : 0)}</text>`,
    ]),
    ...ticks.map((at) => `<text x="${x(at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(at)}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(axes.x)}</text>`,
    `<text x="16" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 ${HEIGHT / 2})">${escaped(axes.y)}</text>`,
    ...lines.flatMap(({ name: called, points }, number) => {
      const colour = COLOURS[number % COLOURS.length]
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}"/>`,
        ...points.map(([a, b]) => `<circle cx="${x(a)}" cy="${y(b)}" r="3" fill="${colour}"/>`),
        `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 12 + number * 18}" fill="${colour}">${escaped(called)}</text>`,
      ]
    }),
    '</svg>',
  ]
  mkdirSync(CHARTS, { recursive: true })
  writeFileSync(join(CHARTS, `${name}.svg`), `${svg.join('\n')}\n`)
  return `![${title}](charts/${name}.svg)`
}
