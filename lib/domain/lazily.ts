/** What `make` makes, made when it is first asked for. */
export const lazily = <Made>(make: () => Made): (() => Made) => {
  let made: { value: Made } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Things of which each is made when it is first asked for. */
export const onDemand = <Things extends object>(
  makers: { [Name in keyof Things]: () => Things[Name] },
): Readonly<Things> =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      Object.entries<() => unknown>(makers).map(([name, make]) => [name, { get: lazily(make), enumerable: true }]),
    ),
  ) as Things
