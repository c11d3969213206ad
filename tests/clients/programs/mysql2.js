// npm mysql2: see README.md beside this file.
'use strict'
const fs = require('fs')
const mysql = require('mysql2/promise')

const task = JSON.parse(fs.readFileSync(0, 'utf8'))
const options = {
  host: '127.0.0.1', port: task.port, user: task.user, password: task.password, database: 'sky',
  dateStrings: true, supportBigNumbers: true, bigNumberStrings: true, decimalNumbers: false
}

function value (parameter) {
  const { type, value } = parameter
  if (value === null) return null
  if (type === 'int' || type === 'double') return Number(value)
  if (type === 'bytes') return Buffer.from(value, 'hex')
  return value
}

const shown = item => item === null ? null : Buffer.isBuffer(item) ? item.toString('hex') : String(item)

async function one (run) {
  try {
    const [rows, fields] = await run()
    return {
      columns: (fields || []).map(f => [f.name, f.columnType]),
      rows: Array.isArray(rows) ? rows.map(row => row.map(shown)) : []
    }
  } catch (error) {
    return { error: error.errno === undefined ? String(error) : error.errno }
  }
}

async function main () {
  const result = { version: require('mysql2/package.json').version }
  const connection = await mysql.createConnection(options)
  result.connect = true
  const text = async sqls => {
    const found = []
    for (const sql of sqls) found.push(await one(() => connection.query({ sql, rowsAsArray: true })))
    return found
  }
  result.query = await text(task.queries)
  result.prepared = []
  for (const { sql, executions } of task.prepared) {
    const found = []
    for (const parameters of executions) {
      found.push(await one(() => connection.execute({ sql, rowsAsArray: true }, parameters.map(value))))
    }
    result.prepared.push(found)
    connection.unprepare(sql)
  }
  result.metadata = await text(task.metadata)
  await connection.end()
  if (task.tls) {
    const secure = await mysql.createConnection({ ...options, ssl: { rejectUnauthorized: false } })
    const [rows] = await secure.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    result.tls = Boolean(rows[0].Value)
    await secure.end()
  }
  if (task.modern) {
    result.caching_sha2 = true
    for (const ssl of [{ rejectUnauthorized: false }, undefined]) {
      const modern = await mysql.createConnection({ ...options, ...task.modern, ssl })
      const [rows] = await modern.query('SELECT CURRENT_USER() AS whoami')
      result.caching_sha2 &&= rows[0].whoami.startsWith(task.modern.user)
      await modern.end()
    }
  }
  const victim = await mysql.createConnection(options)
  const killer = await mysql.createConnection(options)
  const running = one(() => victim.query(task.slow))
  await new Promise(resolve => setTimeout(resolve, task.before_kill * 1000))
  await killer.query(`KILL QUERY ${victim.threadId}`)
  const ended = await running
  result.cancel = ended.error === undefined ? null : ended.error
  await victim.end()
  await killer.end()
  console.log(JSON.stringify(result))
}

main().catch(error => { console.error(error); process.exit(1) })
