export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 24 16 7l7 17M11.9 18h8.2" />
    </svg>
  )
}
