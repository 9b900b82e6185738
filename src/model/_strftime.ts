/**
 * The part of strftime that chat templates use, in UTC and English.
 */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/**
 * Formats a time; directives that are not known stay as they are.
 *
 * @param timeMs Unix milliseconds
 */
export function formatTime(timeMs: number, format: string): string {
  const time = new Date(timeMs);
  const day = DAYS[time.getUTCDay()] ?? "";
  const month = MONTHS[time.getUTCMonth()] ?? "";
  const values: Readonly<Record<string, string>> = {
    "%": "%",
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    B: month,
    d: twoDigits(time.getUTCDate()),
    H: twoDigits(time.getUTCHours()),
    I: twoDigits((time.getUTCHours() + 11) % 12 + 1),
    m: twoDigits(time.getUTCMonth() + 1),
    M: twoDigits(time.getUTCMinutes()),
    p: time.getUTCHours() < 12 ? "AM" : "PM",
    S: twoDigits(time.getUTCSeconds()),
    y: twoDigits(time.getUTCFullYear() % 100),
    Y: String(time.getUTCFullYear()),
  };
  return format.replace(/%(.)/gs, (whole, directive: string) => {
    return Object.hasOwn(values, directive) ? values[directive] ?? whole : whole;
  });
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
