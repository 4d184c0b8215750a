// The page: asks /v1/completions for a stream with the tokens' sources, and shows what comes. No library, and nothing from elsewhere.

const KINDS = {
  accepted_draft: 'accepted draft',
  looked_up: 'looked up in the text',
  forced: 'forced by the format',
  correction: 'correction by the whole model',
  bonus: 'bonus behind a whole draft',
  plain: 'plain',
};

// What a text is held to where the format is a schema. What it leaves no choice about is forced, and costs no draft.
const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 20 },
    age: { type: 'integer', minimum: 1, maximum: 99 },
    friends: { type: 'array', items: { type: 'string', maxLength: 20 }, minItems: 1, maxItems: 3 },
  },
  required: ['name', 'age', 'friends'],
  additionalProperties: false,
};

const FORMATS = {
  text: {},
  json_object: { response_format: { type: 'json_object' } },
  json_schema: { response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: SCHEMA } } },
};

// How often the policy is looked at while a text is written.
const LOOK_MILLISECONDS = 500;

const byId = id => document.getElementById(id);
const [form, go, stop, problem, summary] = ['ask', 'go', 'stop', 'problem', 'summary'].map(byId);
let running = null;
const lastLook = {};

for (const [kind, words] of Object.entries(KINDS)) {
  const item = document.createElement('li');
  const sample = document.createElement('span');
  sample.className = `token ${kind}`;
  sample.textContent = words;
  const count = document.createElement('span');
  count.id = `count-${kind}`;
  count.textContent = ' 0';
  item.append(sample, count);
  byId('legend').append(item);
}

const headers = () => {
  const key = byId('key').value;
  return { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) };
};

async function errorOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

// The events of a response, each as an object.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }

    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5).trimStart()).join('\n');
      if (data === '[DONE]') {
        return;
      }

      if (data) {
        yield JSON.parse(data);
      }
    }
  }
}

// Writes one text into a side; what it came to.
async function write(side, request, signal) {
  const [text, numbers] = [byId(side), byId(`${side}-numbers`)];
  text.replaceChildren();
  numbers.textContent = 'waiting for the first token';
  const counts = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, 0]));
  const response = await fetch('v1/completions', { method: 'POST', headers: headers(), body: JSON.stringify(request), signal });
  if (!response.ok) {
    numbers.textContent = '\u00a0';
    if (response.status === 401) {
      byId('key-field').hidden = false;
    }

    throw new Error(await errorOf(response));
  }

  let [first, last, tokens, metrics, finish] = [0, 0, 0, null, null];
  const positions = livePositions();
  for await (const event of events(response)) {
    if (event.error) {
      throw new Error(event.error.message);
    }

    metrics = event.metrics?.speculative_decoding ?? metrics;
    for (const choice of event.choices ?? []) {
      finish = choice.finish_reason ?? finish;
      for (const token of choice.tokens ?? []) {
        last = performance.now();
        first ||= last;
        tokens++;
        counts[token.source]++;
        positions.add(token.source);
        const span = document.createElement('span');
        span.className = `token ${token.source}`;
        span.title = KINDS[token.source];
        span.textContent = token.text;
        text.append(span);
      }
    }

    if (tokens > 1) {
      numbers.textContent = `${tokens} tokens, ${speedOf(tokens, first, last).toFixed(1)} tokens/s`;
      if (side === 'drafted') {
        showCounts(counts);
        showPositions(positions.metrics());
      }
    }
  }

  text.scrollTop = text.scrollHeight;
  const speed = speedOf(tokens, first, last);
  numbers.textContent = `${tokens} tokens${tokens > 1 ? `, ${speed.toFixed(1)} tokens/s` : ''}, ended by ${finish}`;
  return { speed, tokens, counts, metrics, text: text.textContent };
}

const speedOf = (tokens, first, last) => tokens > 1 && last > first ? (tokens - 1) / ((last - first) / 1000) : 0;

function showCounts(counts) {
  for (const [kind, count] of Object.entries(counts)) {
    byId(`count-${kind}`).textContent = ` ${count}`;
  }
}

// The same figures while the text is written: a round's accepted tokens come before the one that the whole model adds, which says whether there was a draft.
function livePositions() {
  const histogram = {};
  let [run, longest] = [0, 0];
  return {
    add(source) {
      if (['accepted_draft', 'looked_up', 'forced'].includes(source)) {
        run++;
        return;
      }

      if (source !== 'plain') {
        histogram[run] = (histogram[run] ?? 0) + 1;
        longest = Math.max(longest, run, 1);
      }

      run = 0;
    },
    metrics: () => ({ acceptance_histogram: histogram, num_spec_tokens: longest }),
  };
}

// acceptance_histogram has, for each number of accepted tokens, how many rounds with a draft accepted so many.
function showPositions(metrics) {
  const rows = [];
  const histogram = Object.entries(metrics?.acceptance_histogram ?? {}).map(([accepted, rounds]) => [Number(accepted), rounds]);
  const drafts = histogram.reduce((sum, [, rounds]) => sum + rounds, 0);
  for (let position = 1; position <= (metrics?.num_spec_tokens ?? 0); position++) {
    const accepted = histogram.reduce((sum, [length, rounds]) => sum + (length >= position ? rounds : 0), 0);
    const share = drafts ? accepted / drafts : 0;
    const row = document.createElement('tr');
    const bar = document.createElement('meter');
    bar.value = share;
    bar.setAttribute('aria-label', `position ${position}`);
    const cells = [position, accepted, ''].map(value => Object.assign(document.createElement('td'), { textContent: value }));
    cells[2].append(bar, ` ${(100 * share).toFixed(0)} %`);
    row.append(...cells);
    rows.push(row);
  }

  if (rows.length === 0) {
    const row = document.createElement('tr');
    row.append(Object.assign(document.createElement('td'), { colSpan: 3, textContent: 'Nothing was drafted.' }));
    rows.push(row);
  }

  byId('positions').replaceChildren(...rows);
}

const wordsOf = rounds => rounds.filter(([, count]) => count > 0).map(([reason, count]) => `${reason.replaceAll('_', ' ')} ${count}`).join(', ');

// What the policy does now: the plan, and of the rounds since the last look that had any how long drafts were and why rounds had theirs or none.
function choiceOf(model) {
  const look = lastLook[model.name] ??= { figures: model.figures, length: 'none yet', reason: 'none yet' };
  const reasons = Object.entries(model.figures.rounds).map(([reason, count]) => [reason, count - (look.figures.rounds[reason] ?? 0)]);
  if (reasons.some(([, count]) => count > 0)) {
    const [drafts, tokens] = ['draftRounds', 'draftedTokens'].map(name => model.figures[name] - look.figures[name]);
    look.reason = wordsOf(reasons.sort(([, one], [, other]) => other - one));
    look.length = drafts > 0 ? `${(tokens / drafts).toFixed(1)} tokens in ${drafts} rounds` : 'no drafts';
  }

  look.figures = model.figures;
  return [['Plan', model.plan === 'none' ? 'none: it writes plainly' : model.plan ?? 'none yet'], ['Length of the last drafts', look.length], ['Reason of the last rounds', look.reason]];
}

async function showStatus() {
  const response = await fetch('status', { headers: headers() });
  if (!response.ok) {
    byId('key-field').hidden = response.status !== 401;
    throw new Error(await errorOf(response));
  }

  const { models } = await response.json();
  const select = byId('model');
  if (select.options.length !== models.length) {
    const chosen = select.value;
    select.replaceChildren(...models.map(model => new Option(model.name, model.name)));
    select.value = models.some(model => model.name === chosen) ? chosen : models[0]?.name ?? '';
  }

  const model = models.find(other => other.name === select.value);
  const lines = [];
  if (model) {
    lines.push(['State', model.ready ? 'ready' : 'not ready'], ['Precision', model.precision ?? 'not known yet'], ['Strategy', model.strategy ?? 'not known yet']);
    if (model.figures) {
      lines.push(['Texts in work, waiting', `${model.figures.live}, ${model.figures.waiting}`]);
      if (model.strategy === 'auto') {
        lines.push(['Expected speed-up', `${model.figures.expectedSpeedup.toFixed(2)} (error of its chances ${model.figures.calibrationError.toFixed(3)})`]);
      }

      lines.push(...choiceOf(model), ['Rounds by reason, since the start', wordsOf(Object.entries(model.figures.rounds)) || 'none yet']);
    }
  }

  byId('policy').replaceChildren(...lines.flatMap(([name, value]) => [
    Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }),
  ]));
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const abort = new AbortController();
  running = abort;
  [go.disabled, stop.disabled] = [true, false];
  [problem.textContent, summary.textContent] = ['', ''];
  byId('plain').replaceChildren();
  byId('plain-numbers').textContent = '\u00a0';
  const looking = setInterval(() => showStatus().catch(() => { /* The text itself tells what is wrong. */ }), LOOK_MILLISECONDS);
  const request = {
    model: byId('model').value,
    prompt: byId('prompt').value,
    max_tokens: Number(byId('tokens').value),
    temperature: Number(byId('temperature').value),
    seed: 7,
    stream: true,
    include_tokens: true,
    include_metrics: true,
    ...FORMATS[byId('format').value],
  };
  try {
    // Whoever asks before the page has its models waits for them.
    if (!request.model) {
      await showStatus();
      request.model = byId('model').value;
    }

    const drafted = await write('drafted', request, abort.signal);
    showCounts(drafted.counts);
    showPositions(drafted.metrics);
    await showStatus();
    if (byId('compare').checked) {
      const plain = await write('plain', { ...request, drafting: { strategy: 'none' } }, abort.signal);
      summary.textContent = drafted.text !== plain.text ? 'The texts differ, which they must not: please report it.'
        : drafted.speed && plain.speed ? `The same text, ${(drafted.speed / plain.speed).toFixed(2)} times as fast with drafts.`
        : 'The same text.';
    }
  } catch (error) {
    if (error.name === 'AbortError') {
      summary.textContent = 'Stopped.';
    } else {
      // fetch says in few words, and in others in each browser, that there is nobody.
      problem.textContent = error instanceof TypeError ? `The server has gone away or cannot be reached: ${error.message}.` : error.message;
    }
  } finally {
    clearInterval(looking);
    running = null;
    [go.disabled, stop.disabled] = [false, true];
  }
});

stop.addEventListener('click', () => running?.abort());
byId('model').addEventListener('change', () => showStatus().catch(error => { problem.textContent = error.message; }));
byId('key').addEventListener('change', () => showStatus().then(() => { problem.textContent = ''; }, error => { problem.textContent = error.message; }));
showStatus().catch(error => { problem.textContent = error.message; });
