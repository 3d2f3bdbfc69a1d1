// node scenarios.mjs NODE NODE [NAME…] plays all scenarios, or those named, on two
// nodes, and says of each on a line what was wrong. One that is played by name alone
// says on lines what it wants done, and hears on lines that it is.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { addMember, badge, closeBrowsers, eventually, idOf, newDocument, newProject, password, play, register, shot, textOf, watch, write } from './people.mjs'

const scenarios = {
  // Somebody comes, begins, goes and comes back.
  async begin(person, a, b) {
    const ada = await person('Ada Lovelace', a)
    const { page } = ada
    await page.goto('/')
    await shot(ada, 'sign-in')
    await register(ada)
    assert.equal(await page.evaluate(() => isSecureContext), true)
    await page.getByText('No projects yet').waitFor()
    await shot(ada, 'empty')
    const path = await newProject(ada, 'Lighthouse', 'Plans for the lamp, the lens and the stairs.')
    await page.getByText('No documents yet').waitFor()
    await shot(ada, 'project-empty')
    await page.goto('/')
    await page.getByRole('link', { name: 'Lighthouse' }).click()
    assert.equal(new URL(page.url()).pathname, path)
    await eventually('it has a title', async () => (await page.title()) === 'Lighthouse · Atelier')
    await page.reload() // an address of the page
    await page.getByRole('heading', { name: 'Lighthouse' }).waitFor()

    await page.getByRole('button', { name: 'Account of Ada Lovelace' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto(path)
    await page.getByLabel('E-mail').fill(ada.email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Lighthouse' }).waitFor() // where the way led before
  },

  // What goes wrong is said in sentences, where it belongs.
  async errors(person, a) {
    const bob = await person('Bob', a)
    const { page, context } = bob
    await page.goto('/register')
    await page.getByLabel('Name', { exact: true }).fill('Bob')
    await page.getByLabel('E-mail').fill('bob')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.locator('.field-error').first().waitFor()
    await shot(bob, 'errors')
    await register(bob)
    await page.getByRole('button', { name: 'New project' }).click()
    await page.getByRole('button', { name: 'Create the project' }).click()
    const name = page.getByLabel('Name', { exact: true })
    await page.locator('.field-error').waitFor()
    assert.equal(await name.getAttribute('aria-invalid'), 'true')
    assert.match(await page.locator('.field-error').textContent(), /^[A-Z].*\.$/)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    await page.goto('/projects/00000000-0000-7000-8000-000000000000')
    await page.getByText('There is no such project').waitFor()
    const reply = await page.goto('/nowhere')
    assert.equal(reply.status(), 404)
    await page.getByRole('heading', { name: 'Nothing here' }).waitFor()
    await shot(bob, 'missing')

    await page.goto('/')
    await page.getByRole('button', { name: 'New project' }).waitFor()
    await context.setOffline(true)
    await page.getByText('You are offline').waitFor()
    await page.getByRole('button', { name: 'New project' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Harbour')
    await page.getByRole('button', { name: 'Create the project' }).click()
    await page.getByText('The service cannot be reached').waitFor()
    await shot(bob, 'unreachable')
    await context.setOffline(false)
    await page.getByRole('button', { name: 'Create the project' }).click()
    await page.getByRole('heading', { name: 'Harbour' }).waitFor()

    // The session is ended elsewhere, and the page hears of it.
    await fetch_(page, 'POST', '/api/v1/auth/logout')
    await page.getByText('Your session has ended').waitFor()
    await shot(bob, 'session-ended')
  },

  // Two on different nodes write one document, see each other, and one is removed.
  async together(person, a, b) {
    const { ada, bob, project } = await pair(person, a, b)
    await write(ada, 'The lamp burns oil. ')
    await badge(ada, 'Saved')
    await eventually('Bob sees it', async () => (await textOf(bob)) === 'The lamp burns oil. ')
    await write(bob, 'The lens turns.')
    await eventually('Ada sees it', async () => (await textOf(ada)) === 'The lamp burns oil. The lens turns.')
    await badge(bob, 'Saved')
    await ada.page.locator('.caret-name').getByText('Bob').waitFor()
    await bob.page.locator('.caret-name').getByText('Ada').waitFor()
    await bob.page.keyboard.press('Shift+Control+ArrowLeft')
    await ada.page.locator('.selected').first().waitFor()
    await ada.page.locator('.presence-faces').first().waitFor()
    await Promise.all([ada.page.keyboard.type('Ada was here. '), bob.page.keyboard.type('Bob too. ')])
    await eventually('both show the same', async () => {
      const [one, other] = [await textOf(ada), await textOf(bob)]
      return one === other && one.includes('Ada was here') && one.includes('Bob too') ? true : [one, other]
    })
    await shot(ada, 'document')

    const members = await ada.context.newPage()
    watch(ada, members)
    await members.goto(project)
    await eventually('both are here', async () => (await members.getByTestId('here').textContent()) === 'you, Bob')
    await shot({ page: members }, 'project')
    await members.getByLabel('Role of Bob').selectOption('viewer')
    await badge(bob, 'Read-only')
    await write(ada, ' More.')
    await eventually('a reader sees what is written', async () => (await textOf(bob)).includes('More.'))
    await members.getByText('made Bob viewer').waitFor()
    await shot(bob, 'read-only')

    await members.getByRole('button', { name: 'Remove Bob' }).click()
    await members.getByRole('button', { name: 'Remove', exact: true }).click()
    await bob.page.getByText('you have no access').waitFor()
    await shot(bob, 'removed')
    assert.equal(await bob.page.locator('.cm-content').count(), 0)
    await bob.page.goto(project)
    await bob.page.getByText('There is no such project').waitFor()
    await members.getByText('removed Bob').waitFor()
  },

  // One loses the network, goes on writing, and comes back.
  async offline(person, a, b) {
    const { ada, bob } = await pair(person, a, b)
    await write(ada, 'Begin.')
    await eventually('Bob sees it', async () => (await textOf(bob)) === 'Begin.')
    await bob.context.setOffline(true)
    await badge(bob, 'Offline')
    await bob.page.getByText('You are offline').waitFor()
    await write(bob, ' Written on the train.')
    await badge(bob, 'Offline, kept here')
    await shot(bob, 'offline')
    await write(ada, ' Written at home.')
    await badge(ada, 'Saved')
    assert.equal(await textOf(ada), 'Begin. Written at home.')
    await bob.context.setOffline(false)
    await badge(bob, 'Saved')
    await eventually('both have all', async () => {
      const [one, other] = [await textOf(ada), await textOf(bob)]
      return one === other && one.includes('train') && one.includes('home') ? true : [one, other]
    })
  },

  // What happens in a project is seen where it is open, without asking.
  async live(person, a, b) {
    const { ada, bob, project, document } = await pair(person, a, b)
    await ada.page.goto(project)
    await bob.page.goto(project)
    await bob.page.getByRole('link', { name: 'Plan' }).waitFor()
    const made = await newDocument(ada, 'Minutes')
    await bob.page.getByRole('link', { name: 'Minutes' }).waitFor()
    await bob.page.locator('.event', { hasText: 'Ada began Minutes' }).waitFor()
    await ada.page.goto(project)
    await ada.page.getByRole('button', { name: 'Rename Minutes' }).click()
    await ada.page.getByLabel('Name', { exact: true }).fill('Minutes of May')
    await ada.page.getByRole('button', { name: 'Rename it' }).click()
    await bob.page.getByRole('link', { name: 'Minutes of May' }).click()
    assert.equal(new URL(bob.page.url()).pathname, made)
    await bob.page.getByRole('heading', { name: 'Minutes of May' }).waitFor()
    await ada.page.getByRole('button', { name: 'Delete Minutes of May' }).click()
    await ada.page.getByRole('button', { name: 'Delete it' }).click()
    await bob.page.getByText('The document was deleted').waitFor()

    await bob.page.goto(document)
    await badge(bob, 'Saved')
    await ada.page.getByRole('button', { name: 'Settings' }).click()
    await ada.page.getByLabel('Name', { exact: true }).fill('Harbour')
    await ada.page.getByRole('button', { name: 'Save' }).click()
    await bob.page.getByRole('link', { name: 'Harbour' }).waitFor()
    for (const [step, shown] of [['Activate', 'Saved'], ['Archive', 'Read-only'], ['Restore', 'Saved']]) {
      await ada.page.getByRole('button', { name: 'Settings' }).click()
      await ada.page.getByRole('button', { name: step, exact: true }).click()
      await ada.page.getByRole('dialog').waitFor({ state: 'detached' })
      await badge(bob, shown)
    }
    await ada.page.getByRole('button', { name: 'Settings' }).click()
    await ada.page.getByRole('button', { name: 'Delete the project' }).click()
    await shot(ada, 'confirm')
    await ada.page.getByRole('button', { name: 'Delete it' }).click()
    await ada.page.getByText('No projects yet').waitFor()
    await bob.page.getByText('The project was deleted').waitFor()
  },

  // An invitation by mail waits on the first page of who is meant.
  async invited(person, a, b) {
    const ada = await register(await person('Ada', a))
    const bob = await register(await person('Bob', b))
    const project = await newProject(ada, 'Lighthouse')
    await ada.page.getByRole('button', { name: 'Add a member' }).click()
    await ada.page.getByLabel('E-mail or user id').fill(bob.email)
    await ada.page.getByRole('button', { name: 'Add', exact: true }).click()
    await ada.page.getByText(`An invitation to ${bob.email} is on its way`).waitFor()
    await ada.page.getByRole('button', { name: `Take back the invitation to ${bob.email}` }).waitFor()
    await bob.page.reload()
    await bob.page.getByRole('heading', { name: 'You are invited' }).waitFor()
    await shot(bob, 'invited')
    await bob.page.getByRole('button', { name: 'Join Lighthouse' }).click()
    await bob.page.getByRole('heading', { name: 'Lighthouse' }).waitFor()
    assert.equal(new URL(bob.page.url()).pathname, project)
    await ada.page.getByLabel('Role of Bob').waitFor()
    assert.equal(await bob.page.getByRole('button', { name: 'Add a member' }).count(), 0) // not his to do
    await bob.page.getByRole('button', { name: 'Leave' }).click()
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
    await bob.page.getByText('No projects yet').waitFor()
    await ada.page.getByLabel('Role of Bob').waitFor({ state: 'detached' })
  },

  // The access token has expired while several tabs were open: they share one refresh.
  async tabs(person, a) {
    const ada = await register(await person('Ada', a))
    const other = await ada.context.newPage()
    watch(ada, other)
    await other.goto('/')
    await other.getByRole('heading', { name: 'Projects' }).waitFor()
    let refreshes = 0
    ada.context.on('request', (r) => { refreshes += r.url().endsWith('/auth/refresh') ? 1 : 0 })
    await ada.context.clearCookies({ name: 'atelier_access' })
    await Promise.all([ada.page, other].map(async (page) => {
      await page.reload()
      await page.getByRole('heading', { name: 'Projects' }).waitFor()
    }))
    assert.equal(refreshes, 1)
    await other.getByRole('button', { name: 'Account of Ada' }).click()
    await other.getByRole('button', { name: 'Sign out' }).click()
    await ada.page.getByRole('heading', { name: 'Sign in' }).waitFor() // here too
  },

  // Everything by keys alone.
  async keyboard(person, a) {
    const cy = await person('Cy', a)
    const { page } = cy
    await register(cy)
    await page.getByRole('button', { name: 'Account of Cy' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto('/sign-in')
    await eventually('the first field has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('name') === 'email'))
    await page.keyboard.type(cy.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
    await tabTo(page, 'New project')
    await shot(cy, 'focus')
    await page.keyboard.press('Enter')
    await page.keyboard.type('Harbour')
    for (let i = 0; i < 20; i++) { // the focus stays in the dialog, or is the browser's
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null), true)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'New project') // it is back where it was
    await page.keyboard.press('Enter')
    await page.keyboard.type('Harbour')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Harbour' }).waitFor()
    await eventually('the heading has the focus', async () => (await focused(page)) === 'Harbour')
    await page.goto('/')
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to the content')
  },

  // A phone, and the dark.
  async phone(person, a) {
    const dee = await person('Dee', a, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: 'dark' })
    const { page } = dee
    await fits(page, '/sign-in')
    await shot(dee, 'phone-sign-in')
    await register(dee)
    await fits(page, '/')
    const path = await newProject(dee, 'A lighthouse with a name that is much too long for a telephone', 'And a description besides.')
    await fits(page, path)
    await shot(dee, 'phone-project')
    await page.getByRole('button', { name: 'Add a member' }).click()
    await shot(dee, 'phone-dialog')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const document = await newDocument(dee, 'Minutes of a long and windy evening')
    await badge(dee, 'Saved')
    await fits(page, document)
    await write(dee, 'Written with a thumb. '.repeat(12))
    await badge(dee, 'Saved')
    await fits(page, document)
    await shot(dee, 'phone-document')
  },
}

// Scenarios that are played by name alone.
const named = {
  // The nodes behind one address are killed in turn, while two people write, one at
  // each end.
  async killed(person, address) {
    const { ada, bob } = await pair(person, address, address)
    let loads = 0
    for (const { page } of [ada, bob]) page.on('load', () => loads++)
    await write(ada, '|')
    await eventually('Bob sees it', async () => (await textOf(bob)) === '|')
    const both = (when) => Promise.all([write(ada, `Ada ${when}.`), write(bob, `Bob ${when}.`, 'Control+Home')])
    for (const node of [0, 1, 2]) {
      await both(`before ${node}`)
      await wish({ kill: node })
      await both(`after ${node}`)
      if (node === 0) await shot(ada, 'killed')
      await eventually('both have all', async () => {
        const [one, other] = [await textOf(ada), await textOf(bob)]
        return one === other && ['Ada', 'Bob'].every((who) => ['before', 'after'].every((when) => one.includes(`${who} ${when} ${node}.`))) ? true : [one, other]
      })
      await Promise.all([badge(ada, 'Saved'), badge(bob, 'Saved')])
      await wish({ restart: node })
    }
    await shot(ada, 'killed-all')
    assert.equal(loads, 0)
  },
}

// wish has those who play this do something.
const wishes = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function wish(what) {
  console.log(JSON.stringify(what))
  await wishes.next()
}

// pair is two people, Bob an editor, who have one document open.
async function pair(person, a, b) {
  const [ada, bob] = await Promise.all([person('Ada', a).then(register), person('Bob', b).then(register)])
  const project = await newProject(ada, 'Lighthouse', 'Plans for the lamp, the lens and the stairs.')
  await addMember(ada, await idOf(bob), 'Bob', 'editor')
  const document = await newDocument(ada, 'Plan')
  await bob.page.goto(project)
  await bob.page.getByRole('link', { name: 'Plan' }).click()
  await Promise.all([badge(ada, 'Saved'), badge(bob, 'Saved')])
  return { ada, bob, project, document }
}

const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim())

async function tabTo(page, text) {
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === text) return
  }
  throw new Error(`Tab does not lead to ${text}`)
}

// fits looks whether a page is as wide as the screen.
async function fits(page, path) {
  if (new URL(page.url()).pathname !== path) await page.goto(path)
  await page.locator('h1').waitFor()
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  assert.ok(wide <= screen, `${path} is ${wide} wide on a screen of ${screen}`)
}

// fetch_ asks the API as the page itself would, behind its back.
async function fetch_(page, method, path, body) {
  return page.evaluate(async ([method, path, body]) => {
    const { csrf_token } = await (await fetch('/api/v1/auth/session')).json()
    const r = await fetch(path, { method, headers: { 'X-CSRF-Token': csrf_token, ...(body ? { 'Content-Type': 'application/json' } : {}) }, body: body && JSON.stringify(body) })
    return r.status
  }, [method, path, body])
}

const [a, b, ...names] = process.argv.slice(2)
const queue = names.length > 0 ? names : Object.keys(scenarios)

// Most of what people do is to wait, so some scenarios run beside each other.
await Promise.all(Array.from({ length: 3 }, async () => {
  for (let name; (name = queue.shift());) console.log(JSON.stringify({ name, ...(await play(scenarios[name] ?? named[name], a, b)) }))
}))
await closeBrowsers()
process.stdin.destroy()
