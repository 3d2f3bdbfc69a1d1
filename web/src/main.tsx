import { createRoot } from 'react-dom/client'
import { App } from './app'
import { findSession } from './session'
import './styles/base.css'
import './styles/parts.css'
import './styles/pages.css'

void findSession()
createRoot(document.getElementById('app')!).render(<App />)
