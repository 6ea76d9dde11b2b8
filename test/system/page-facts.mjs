// What a page is asked inside a browser; sent there as text.

export const undefinedNames = () => {
  const style = getComputedStyle(document.documentElement)
  const used = document.body.innerHTML.matchAll(/var\(--([a-z0-9]+)\)/g)
  return [...new Set([...used].map(([, name]) => name))].filter(
    (name) => style.getPropertyValue(`--${name}`) === '',
  )
}

export const brokenLinks = () =>
  [...document.querySelectorAll('a')]
    .map((each) => each.getAttribute('href') ?? '')
    .filter((href) => !href.startsWith('#') || !document.getElementById(href.slice(1)))

/** Texts whose contrast with the page is below `least`, as WCAG 2.2 computes it. */
export const weakTexts = (least) => {
  const luminance = (colour) => {
    const [red, green, blue] = colour
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map((value) => {
        const share = Number(value) / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const page = luminance(getComputedStyle(document.body).backgroundColor)
  const words = document.querySelectorAll('p, td, th, li, h1, h2, a, strong, figcaption')
  const drawn = [...document.querySelectorAll('svg text')].filter(
    (each) => each.getAttribute('fill') !== 'var(--page)',
  )
  return [
    ...[...words].map((each) => [each.textContent, getComputedStyle(each).color]),
    ...drawn.map((each) => [each.textContent, getComputedStyle(each).fill]),
  ]
    .map(([text, colour]) => {
      const [dark, light] = [luminance(colour), page].sort((a, b) => a - b)
      return { text, contrast: (light + 0.05) / (dark + 0.05) }
    })
    .filter(({ contrast }) => contrast < least)
}

export const widths = () => ({
  beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  chart: document.querySelector('svg').getBoundingClientRect().width,
})

export const textColour = () => getComputedStyle(document.body).color
