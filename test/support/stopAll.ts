import { stops } from './stops.ts'

const stopAll = async () => {
  for (const stop of stops.reverse()) await stop()
}

// biome-ignore lint/style/noDefaultExport: Jest asks for it
export default stopAll
