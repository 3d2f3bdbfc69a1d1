// People with browsers. All of them open the same address; there is a Chromium for
// each node, which is told where that is, and in it everybody has cookies of his own.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const site = 'http://atelier.test'
export const password = 'a brass lamp at noon'
const patience = 30_000
const shots = process.env.ATELIER_WEB_SHOTS

const browsers = new Map()

const browserOf = (node) => browsers.get(node) ?? browsers.set(node, chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP atelier.test ${node}`, `--unsafely-treat-insecure-origin-as-secure=${site}`],
})).get(node)

export async function closeBrowsers() {
  for (const browser of browsers.values()) await (await browser).close()
}

let count = 0

// person is somebody who uses a node.
async function person(scene, name, node, options = {}) {
  const browser = await browserOf(node)
  const context = await browser.newContext({ baseURL: site, viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const email = `${name.toLowerCase().replaceAll(' ', '.')}-${++count}-${Date.now()}@example.com`
  const one = { name, email, context, page, scene, asked: [] }
  scene.people.push(one)
  watch(one, page)
  return one
}

// watch notes what a page complains of. That a request was refused is no trouble by
// itself: what people are told of it is looked at.
export function watch(one, page) {
  page.on('pageerror', (e) => one.scene.troubles.push(`${one.name}: ${e.stack ?? e}`))
  page.on('console', (m) => {
    if (m.type() === 'error' && !/Failed to load resource|WebSocket connection|net::ERR_/.test(m.text())) one.scene.troubles.push(`${one.name}: ${m.text()}`)
  })
  page.on('response', (r) => one.asked.push(`${r.status()} ${r.request().method()} ${new URL(r.url()).pathname}`))
  page.on('requestfailed', (r) => one.asked.push(`${r.failure()?.errorText} ${r.method()} ${new URL(r.url()).pathname}`))
  page.on('request', (r) => {
    one.asked.push(`… ${r.method()} ${new URL(r.url()).pathname}`)
    if (!r.url().startsWith(site) && !r.url().startsWith('data:')) one.scene.troubles.push(`${one.name}: asks ${r.url()}`)
  })
}

// situation is where somebody is when something went wrong.
async function situation({ name, page, asked }) {
  const seen = await page.locator('body').innerText({ timeout: 1000 }).catch(String)
  const focus = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200)).catch(String)
  return `\n${name} is at ${page.url()}, with the focus on ${focus}; has asked\n${asked.slice(-8).join('\n')}\nand sees:\n${seen}`
}

// play runs a scenario on two nodes and tells what was wrong; empty: nothing.
export async function play(scenario, a, b) {
  const scene = { people: [], troubles: [] }
  const began = Date.now()
  let error = ''
  try {
    await scenario((name, node, options) => person(scene, name, node, options), a, b)
  } catch (e) {
    error = String(e.stack ?? e)
    for (const one of scene.people) error += await situation(one)
  }
  for (const { context } of scene.people) await context.close()
  if (scene.troubles.length > 0) error += '\nthe pages complain:\n' + scene.troubles.join('\n')
  return { ms: Date.now() - began, error }
}

// register makes an account, as a stranger who opens the first page does.
export async function register(one) {
  const { page } = one
  await page.goto('/')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Name', { exact: true }).fill(one.name)
  await page.getByLabel('E-mail').fill(one.email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create the account' }).click()
  await page.getByRole('heading', { name: 'Projects' }).waitFor()
  return one
}

export async function newProject({ page }, name, description = '') {
  await page.getByRole('button', { name: 'New project' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  if (description) await page.getByLabel('Description').fill(description)
  await page.getByRole('button', { name: 'Create the project' }).click()
  await page.getByRole('heading', { name, level: 1 }).waitFor()
  return new URL(page.url()).pathname
}

export async function newDocument({ page }, name) {
  await page.getByRole('button', { name: 'New document' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByRole('button', { name: 'Create the document' }).click()
  await page.getByRole('heading', { name, level: 1 }).waitFor()
  return new URL(page.url()).pathname
}

// idOf is a user's id, as the account's panel shows it.
export async function idOf({ page, name }) {
  await page.getByRole('button', { name: `Account of ${name}` }).click()
  const id = await page.locator('#account-panel code').textContent()
  await page.keyboard.press('Escape')
  return id
}

export async function addMember({ page }, id, name, role) {
  await page.getByRole('button', { name: 'Add a member' }).click()
  await page.getByLabel('E-mail or user id').fill(id)
  if (role) await page.getByLabel('Role', { exact: true }).selectOption(role)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.locator('section', { has: page.getByRole('heading', { name: 'Members' }) }).getByText(name).first().waitFor()
}

// write puts text at the end of the document that is open, or where another key leads.
export async function write({ page }, text, key = 'Control+End') {
  await page.locator('.cm-content').click()
  await page.keyboard.press(key)
  await page.keyboard.type(text)
}

// textOf is what the document shows, without the cursors of others.
export const textOf = ({ page }) => page.locator('.cm-content').evaluate((content) => {
  const copy = content.cloneNode(true)
  for (const extra of copy.querySelectorAll('.caret, .cm-placeholder')) extra.remove()
  return [...copy.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n')
})

export const badge = ({ page }, text) => page.getByTestId('badge').getByText(text, { exact: true }).waitFor()

// eventually waits for what no locator waits for.
export async function eventually(what, test) {
  const until = Date.now() + patience
  for (let last; ;) {
    try {
      last = await test()
      if (last === true) return
    } catch (e) {
      last = e
    }
    if (Date.now() > until) throw new Error(`${what}: ${JSON.stringify(last) ?? last}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

// shot takes a picture for those who want to see the pages.
export async function shot({ page }, name) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`) })
}
