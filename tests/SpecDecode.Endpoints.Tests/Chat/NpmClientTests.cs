using System.Diagnostics;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Endpoints;

/// <summary>OpenAI's client for JavaScript, as a second opinion. It is fetched from npm, so it runs where SPECDECODE_NPM_CLIENT is set.</summary>
public sealed class NpmClientTests(StoryServer story)
{
    private const string Version = "7.55.0";

    private const string Script = """
        import OpenAI from 'openai';
        const client = new OpenAI({ baseURL: process.argv[2] + 'v1', apiKey: 'unused', maxRetries: 0 });
        const request = { model: 'tales-10m', messages: [{ role: 'user', content: 'Once upon a time' }], max_tokens: 12 };
        const whole = await client.chat.completions.create(request);
        let text = '', usage = null;
        for await (const chunk of await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } })) {
            text += chunk.choices[0]?.delta?.content ?? '';
            usage = chunk.usage ?? usage;
        }
        const final = await client.chat.completions.stream(request).finalContent();
        let refusal = null;
        try { await client.chat.completions.create({ ...request, frobnicate: 1 }); } catch (error) { refusal = [error.status, error.param, error.code]; }
        const models = [];
        for await (const model of client.models.list()) models.push(model.id);
        const completion = await client.completions.create({ model: 'tales-10m', prompt: 'The dog', max_tokens: 5, logprobs: 1 });
        const stopping = new AbortController();
        let read = 0;
        try {
            for await (const chunk of await client.chat.completions.create({ ...request, max_tokens: 500, stream: true }, { signal: stopping.signal })) if (++read == 3) stopping.abort();
        } catch (error) { }
        console.log(JSON.stringify({ whole: whole.choices[0].message.content, text, final, tokens: usage.completion_tokens, refusal, models, columns: completion.choices[0].logprobs.tokens.length, completion: completion.choices[0].text }));
        """;

    [Fact]
    public async Task It_reads_answers_streams_errors_models_and_log_probabilities()
    {
        Assert.SkipWhen(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("SPECDECODE_NPM_CLIENT")), "SPECDECODE_NPM_CLIENT is not set: with it this test fetches the npm package openai.");
        using TemporaryFolder folder = new();
        folder.Write("package.json", $$"""{"private": true, "type": "module", "dependencies": { "openai": "{{Version}}" } }""");
        folder.Write("ask.js", Script);
        await Run(folder.Path, "npm", "install", "--no-audit", "--no-fund", "--silent");
        JsonElement told = JsonElement.Parse(await Run(folder.Path, "node", "ask.js", story.Server.Http.BaseAddress!.ToString()));

        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest { Messages = [new ChatMessage("user", "Once upon a time")], MaxTokens = 12 }, TestContext.Current.CancellationToken);
        foreach (string field in (string[])["whole", "text", "final"])
        {
            Assert.Equal(expected.Text, told.GetProperty(field).GetString());
        }

        Assert.Equal(12, told.GetProperty("tokens").GetInt32());
        Assert.Equal("[400,\"frobnicate\",\"unsupported_parameter\"]", told.GetProperty("refusal").GetRawText());
        Assert.Equal("[\"tales-10m\"]", told.GetProperty("models").GetRawText());
        Assert.Equal(5, told.GetProperty("columns").GetInt32());
    }

    private static async Task<string> Run(string folder, string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}\n{await error}");
        return output;
    }
}
