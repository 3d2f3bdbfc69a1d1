// Without arguments the names of the scenarios; else runs one, on two nodes.
import assert from 'node:assert/strict'
import { end, eventually, newDocument, newProject, password, person, register, shot } from './people.mjs'

const scenarios = {
  // Somebody comes, begins, goes and comes back.
  async begin(a, b) {
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
    assert.equal(await page.title(), 'Lighthouse · Atelier')
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
  async errors(a) {
    const bob = await person('Bob', a)
    const { page, context } = bob
    await page.goto('/register')
    await page.getByLabel('Name').fill('Bob')
    await page.getByLabel('E-mail').fill('bob')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.locator('.field-error').first().waitFor()
    await shot(bob, 'errors')
    await register(bob)
    await page.getByRole('button', { name: 'New project' }).click()
    await page.getByRole('button', { name: 'Create the project' }).click()
    const name = page.getByLabel('Name')
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
    await page.getByLabel('Name').fill('Harbour')
    await page.getByRole('button', { name: 'Create the project' }).click()
    await page.getByText('The service cannot be reached').waitFor()
    await shot(bob, 'unreachable')
    await context.setOffline(false)
    await page.getByRole('button', { name: 'Create the project' }).click()
    await page.getByRole('heading', { name: 'Harbour' }).waitFor()

    // Another device ends all other sessions.
    await fetch_(page, 'POST', '/api/v1/auth/logout')
    await page.getByRole('button', { name: 'New document' }).click()
    await page.getByLabel('Name').fill('Minutes')
    await page.getByRole('button', { name: 'Create the document' }).click()
    await page.getByText('Your session has ended').waitFor()
    await shot(bob, 'session-ended')
  },

  // Everything by keys alone.
  async keyboard(a) {
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
  async phone(a) {
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
  },
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

const [name, ...nodes] = process.argv.slice(2)
if (!name) {
  console.log(Object.keys(scenarios).join(' '))
} else {
  try {
    await scenarios[name](...nodes)
  } finally {
    await end()
  }
}
