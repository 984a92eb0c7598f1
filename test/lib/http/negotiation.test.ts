import { acceptsGzip, isKnown, prefersType } from '../../../lib/http/negotiation.ts'

const INSTALL = 'application/vnd.npm.install-v1+json'

describe('acceptsGzip', () => {
  it.each([
    ['gzip', true],
    ['gzip,deflate', true],
    ['deflate, GZIP;q=0.5', true],
    ['*', true],
    ['gzip;q=0, *', false],
    ['gzip;q=nonsense', false],
    ['identity', false],
    ['', false],
    [undefined, false],
  ])('of %j is %j', (given, expected) => {
    expect(acceptsGzip({ headers: given === undefined ? {} : { 'Accept-Encoding': given } })).toBe(expected)
  })
})

describe('prefersType', () => {
  it.each([
    [`${INSTALL}; q=1.0, application/json; q=0.8, */*`, true],
    [INSTALL, true],
    [`application/json, ${INSTALL}`, true],
    [`application/json, ${INSTALL};q=0.5`, false],
    [`${INSTALL};q=0`, false],
    ['application/json', false],
    ['*/*', false],
    ['', false],
    [undefined, false],
  ])('of %j is %j', (given, expected) => {
    expect(prefersType({ headers: given === undefined ? {} : { accept: given } }, INSTALL)).toBe(expected)
  })
})

describe('isKnown', () => {
  it.each([
    ['W/"a"', 'W/"a"', true],
    ['"a"', 'W/"a"', true],
    ['W/"a"', '"a"', true],
    ['"b", W/"a"', 'W/"a"', true],
    ['"b","a,b"', '"a,b"', true],
    ['*', 'W/"a"', true],
    ['"b"', 'W/"a"', false],
    ['a', '"a"', false],
    ['', 'W/"a"', false],
    [undefined, 'W/"a"', false],
  ])('is for %j and the tag %j: %j', (given, entityTag, expected) => {
    expect(isKnown({ headers: given === undefined ? {} : { 'If-None-Match': given } }, entityTag)).toBe(expected)
  })
})
