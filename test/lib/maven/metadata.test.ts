import { reviseMetadata } from '../../../lib/maven/metadata.ts'

const NOW = '2026-11-25T08:09:10.123Z'

/** As Maven writes it; a line for each element that has a value. */
const metadata = (versions: string[], { latest, release }: { latest?: string; release?: string } = {}, updated = '1') =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metadata>',
    '  <groupId>com.mycompany</groupId>',
    '  <artifactId>my-app</artifactId>',
    '  <versioning>',
    ...(latest ? [`    <latest>${latest}</latest>`] : []),
    ...(release ? [`    <release>${release}</release>`] : []),
    '    <versions>',
    ...versions.map((version) => `      <version>${version}</version>`),
    '    </versions>',
    `    <lastUpdated>${updated}</lastUpdated>`,
    '  </versioning>',
    '</metadata>',
    '',
  ].join('\n')

const revise = (xml: string, versions: string[], deleted: string[] = []) =>
  reviseMetadata(xml, { versions, deleted }, NOW)
const revised = (xml: string) => ({ outcome: 'revised', xml })
const RIGHT = { outcome: 'right' }

describe('the metadata of an artifact', () => {
  it('stays as it is where it fits the versions', () => {
    expect(revise(metadata(['1.0', '1.1'], { release: '1.1' }), ['1.0', '1.1'])).toEqual(RIGHT)
    expect(revise(metadata(['1.1', '1.0'], { latest: '1.0', release: '1.0' }), ['1.0', '1.1'])).toEqual(RIGHT)
    expect(revise(metadata(['1.0-SNAPSHOT']), ['1.0-SNAPSHOT'], ['0.9'])).toEqual(RIGHT)
  })

  it('loses a version that was deleted, and names others as the latest and the release', () => {
    const before = metadata(['1.0', '1.1', '1.2', '1.3-SNAPSHOT'], { latest: '1.3-SNAPSHOT', release: '1.2' })

    expect(revise(before, ['1.0', '1.1', '1.3-SNAPSHOT'], ['1.2'])).toEqual(
      revised(metadata(['1.0', '1.1', '1.3-SNAPSHOT'], { latest: '1.3-SNAPSHOT', release: '1.1' }, '20261125080910')),
    )
    expect(revise(before, ['1.0', '1.1', '1.2'], ['1.3-SNAPSHOT'])).toEqual(
      revised(metadata(['1.0', '1.1', '1.2'], { latest: '1.2', release: '1.2' }, '20261125080910')),
    )
    expect(revise(before, ['1.3-SNAPSHOT'], ['1.0', '1.1', '1.2'])).toEqual(
      revised(metadata(['1.3-SNAPSHOT'], { latest: '1.3-SNAPSHOT' }, '20261125080910')),
    )
  })

  it('gets a version that another publisher did not know of, in the order in which they came', () => {
    expect(revise(metadata(['1.0', '1.2'], { release: '1.2' }), ['1.0', '1.1', '1.2'])).toEqual(
      revised(metadata(['1.0', '1.2', '1.1'], { release: '1.2' }, '20261125080910')),
    )
    expect(revise(metadata(['1.0-SNAPSHOT']), ['1.0-SNAPSHOT', '1.0'])).toEqual(
      revised(metadata(['1.0-SNAPSHOT', '1.0'], { release: '1.0' }, '20261125080910')),
    )
  })

  it('keeps a version that is neither there nor deleted, as it may be on its way', () => {
    expect(revise(metadata(['1.0', '2.0'], { release: '2.0' }), [])).toEqual(RIGHT)
    expect(revise(metadata(['1.0', '2.0'], { release: '2.0' }), [], ['1.0'])).toEqual(
      revised(metadata(['2.0'], { release: '2.0' }, '20261125080910')),
    )
  })

  it('is empty when all of its versions were deleted', () => {
    expect(revise(metadata(['1.0', '1.1'], { release: '1.1' }), [], ['1.0', '1.1', '0.9'])).toEqual({
      outcome: 'empty',
    })
    expect(revise(metadata([]), [], ['1.0'])).toEqual(RIGHT)
  })

  it('is left alone where it is not about versions', () => {
    for (const xml of ['', 'hello', '<metadata/>', '<metadata><plugins></plugins></metadata>', '<versioning>']) {
      expect(revise(xml, ['1.0'], ['0.9'])).toEqual(RIGHT)
    }
  })

  it('keeps what else is in it', () => {
    const plugins = '<plugins><plugin><name>$& My $1</name></plugin></plugins>'
    const xml = metadata(['1.0', '1.1']).replace('  <versioning>', () => `  ${plugins}\n  <versioning>`)
    const next = revise(xml, ['1.0'], ['1.1'])

    expect(next).toEqual(revised(expect.stringContaining(plugins)))
    expect(next).toEqual(revised(expect.stringContaining('<artifactId>my-app</artifactId>')))
  })

  it('is read in one pass, whatever a client has sent', () => {
    const size = 2_000_000
    const long = [
      '<versioning>'.repeat(size / 12),
      `<versioning>${'<versions>'.repeat(size / 10)}</versioning>`,
      `<versioning><versions>${'<version>'.repeat(size / 9)}</versions></versioning>`,
      `<versioning><latest>${' '.repeat(size)}</versioning>`,
      `<versioning><versions><version>${' '.repeat(size)}<</versions></versioning>`,
      metadata(Array.from({ length: size / 30 }, (_, n) => `1.${n}`)),
    ]
    const started = performance.now()
    for (const xml of long) revise(xml, ['1.0', '1.1'], ['0.9'])
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('fits when it was revised', () => {
    const odd = metadata(['1.0', '1.0', '<x>', '1..0', '2.0'], { latest: 'nothing', release: '3.0' })
    const next = revise(odd, ['1.0', '1.1'], ['2.0'])
    expect(next.outcome).toBe('revised')
    expect(revise((next as { xml: string }).xml, ['1.0', '1.1'], ['2.0'])).toEqual(RIGHT)
  })
})
