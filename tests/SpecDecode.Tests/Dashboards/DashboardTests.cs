using System.Text.Json;
using System.Text.RegularExpressions;
using SpecDecode.Diagnostics;
using SpecDecode.Tests.Diagnostics;
using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Dashboards;

/// <summary>
/// samples/Dashboards: what can be said of the files alone, and what a real Prometheus makes of them that scrapes samples/Service under load: 20 seconds of it, or two
/// minutes with SPECDECODE_TEST_LONG=1.
/// </summary>
public sealed partial class DashboardTests
{
    // The load makes no failures, and the service neither searches nor has a policy that chooses plans.
    private static readonly string[] WithoutData =
    [
        "gen_ai_server_request_duration_seconds_count{gen_ai_request_model=~\"$model\", instance=~\"$instance\", specdecode_finish_reason=\"failed\"}",
        "specdecode_search_expected_speedup", "specdecode_search_resting", "specdecode_draft_choice",
    ];

    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(TestScale.IsLong ? 120 : 20);

    [Fact]
    public void The_dashboard_has_the_form_that_grafana_reads()
    {
        JsonElement dashboard = GrafanaDashboard.Read();
        Assert.Equal(42, dashboard.GetProperty("schemaVersion").GetInt32());
        Assert.Equal("specdecode", dashboard.GetProperty("uid").GetString());
        Assert.Equal(
            ["datasource", "model", "instance"], dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()));
        JsonElement[] all = [.. dashboard.GetProperty("panels").EnumerateArray()];
        Assert.Equal(all.Length, all.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.Equal(
            ["Does it pay?", "Acceptance by position", "Latency and throughput", "Queue and memory for keys and values", "Policy decisions", "Errors"],
            all.Where(panel => panel.GetProperty("type").GetString() == "row").Select(panel => panel.GetProperty("title").GetString()));

        DashboardPanel[] panels = GrafanaDashboard.Panels();
        Assert.All(panels, panel =>
        {
            Assert.True(panel.Place.X >= 0 && panel.Place.X + panel.Place.Width <= 24, panel.Title);
            Assert.Contains("Good: ", panel.Description, StringComparison.Ordinal);
            Assert.True(panel.Description.Contains("Bad: ", StringComparison.Ordinal), panel.Title);
            Assert.NotEmpty(panel.Queries);
            Assert.Contains(panel.Type, (string[])["timeseries", "stat", "heatmap", "bargauge", "gauge", "table", "state-timeline"]);
            Assert.All(panel.Queries, query => Assert.Contains("gen_ai_request_model=~\"$model\", instance=~\"$instance\"", query.Expression, StringComparison.Ordinal));
        });
        Assert.Contains(panels, panel => panel is { Type: "heatmap", Row: "Acceptance by position" });
        foreach (DashboardPanel one in panels)
        {
            Assert.DoesNotContain(panels, other => other.Id != one.Id
                && one.Place.X < other.Place.X + other.Place.Width && other.Place.X < one.Place.X + one.Place.Width
                && one.Place.Y < other.Place.Y + other.Place.Height && other.Place.Y < one.Place.Y + one.Place.Height);
        }
    }

    [Fact]
    public void Queries_and_rules_name_metrics_that_there_are_and_every_metric_is_shown_somewhere()
    {
        Dictionary<string, string> names = InstrumentTable.All
            .SelectMany(row => row.TypeName == "histogram" ? new[] { "_bucket", "_sum", "_count" }.Select(suffix => (row.PrometheusName + suffix, row.Name)) : [(row.PrometheusName, row.Name)])
            .ToDictionary(pair => pair.Item1, pair => pair.Name);
        HashSet<string> labels = [.. InstrumentTable.All.SelectMany(row => row.Attributes).Append("gen_ai.request.model").Select(name => name.Replace('.', '_'))];
        string[] expressions = [.. GrafanaDashboard.Panels().SelectMany(panel => panel.Queries).Select(query => query.Expression)];
        string[] shown = [.. expressions.SelectMany(Words).Distinct()];
        Assert.Empty(shown.Except(names.Keys).Except(labels));

        // Text of annotations names none.
        string[] ruled = [.. RuleFile.Names.SelectMany(file => Words(Recorded().Replace(RuleFile.Text(file), ""))).Distinct()];
        Assert.Empty(ruled.Except(names.Keys).Except(labels));
        Assert.True(ruled.Length > 20);

        // Those that are here for questions of detail (docs/telemetry.md), for the names of others, and of a command that runs for minutes.
        string[] elsewhere =
        [
            "specdecode.corrections", "specdecode.draft.forced_tokens", "specdecode.draft.looked_up_tokens", "specdecode.draft.uncovered_tokens", "specdecode.draft.discarded_tokens",
            "specdecode.draft.guessed_tokens", "specdecode.draft.guesses_taken",
            "specdecode.requests.drafted_tokens", "specdecode.requests.accepted_tokens",
            "specdecode.calibration.tried", "specdecode.calibration.time", "specdecode.calibration.running", "specdecode.calibration.expected_speedup",
        ];
        Assert.Equal(elsewhere.Order(), InstrumentTable.All.Select(row => row.Name).Except(shown.Where(names.ContainsKey).Select(word => names[word])).Order());
    }

    [Fact]
    public void The_page_lists_the_names_of_other_engines_that_the_rules_record()
    {
        string[] recorded = [.. RuleFile.Recorded().Where(name => !name.StartsWith("specdecode:", StringComparison.Ordinal))
            .Select(name => Suffix().Replace(name, "")).Distinct()];
        Assert.True(recorded.Length > 20);
        Assert.Equal(recorded, TelemetryPage.Peers.Select(peer => peer.Theirs));
        string rules = RuleFile.Text(RuleFile.Names[0]);
        Assert.All(TelemetryPage.Peers, peer =>
        {
            int place = rules.IndexOf($"- record: {peer.Theirs}", StringComparison.Ordinal);
            Assert.Contains(peer.Ours, rules[place..].Split("- record: ")[1], StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Promtool_finds_the_rules_sound_and_their_tests_pass()
    {
        Prometheus.SkipWithout();
        (int exitCode, string output) = await Prometheus.Promtool(["check", "rules", .. RuleFile.Names]);
        Assert.True(exitCode == 0, output);
        (exitCode, output) = await Prometheus.Promtool("test", "rules", "recording-rules.test.yml", "alerting-rules.test.yml");
        Assert.True(exitCode == 0, output);
        (exitCode, output) = await Prometheus.Promtool("check", "config", "--syntax-only", "prometheus.yml");
        Assert.True(exitCode == 0, output);

        // Each alert has a test that it fires and one that it does not.
        string tests = RuleFile.Text("alerting-rules.test.yml");
        Assert.All(RuleFile.Alerts(), alert => Assert.True(Regex.Count(tests, $@"alertname: {alert}\s+exp_alerts: \[\]") >= 1 && Regex.Count(tests, $@"alertname: {alert}\s+exp_alerts:\s+- exp_labels") >= 1, alert));
    }

    [Fact]
    public async Task Every_query_and_every_rule_gives_data_under_a_mixed_load()
    {
        Prometheus.SkipWithout();
        await using ServiceProcess service = await ServiceProcess.StartAsync("--SpecDecode:Runtime:Threads=1", "--SpecDecode:Runtime:MaxSequences=4");
        await using Prometheus prometheus = await Prometheus.StartAsync(service.Client.BaseAddress!.Port, windowSeconds: 15, holdSeconds: 2);
        int answered = await MixedLoad.Run(service.Client, LoadTime, callers: 6, until: TestContext.Current.CancellationToken);
        Assert.True(answered > 10, $"{answered} answers.");

        int queries = 0;
        foreach (DashboardPanel panel in GrafanaDashboard.Panels())
        {
            foreach (PanelQuery query in panel.Queries)
            {
                JsonElement[] result = await prometheus.Query(query.Resolved("15s", "15s"));
                bool isEmpty = WithoutData.Any(name => query.Expression.Contains(name, StringComparison.Ordinal));
                Assert.True(result.Length > 0 != isEmpty, $"{panel.Title}: {query.Expression} has {result.Length} series.");
                queries++;
            }
        }

        Assert.True(queries > 50);
        JsonElement[] rules = await prometheus.Rules();
        Assert.Equal(RuleFile.Recorded().Length + RuleFile.Alerts().Length, rules.Length);
        Assert.All(rules, rule => Assert.True(rule.GetProperty("health").GetString() == "ok", $"{rule}"));
        foreach (string recorded in RuleFile.Recorded())
        {
            Assert.NotEmpty(await prometheus.Query(recorded));
        }

        // The same numbers under the names of others.
        string ours = Value(Assert.Single(await prometheus.Query("sum(specdecode_draft_accepted_tokens_total)")));
        await prometheus.UntilAsync(
            async () => Value(Assert.Single(await prometheus.Query("sum(vllm:spec_decode_num_accepted_tokens_total)"))) == ours
                && Value(Assert.Single(await prometheus.Query("sum(vllm:spec_decode_num_accepted_tokens_per_pos_total{position!=\"\", model_name=\"tales-10m\"})"))) == ours,
            "The series under other names do not come to say the same");
        await PanelPictures.WriteIfAsked(prometheus, LoadTime);
    }

    private static string Value(JsonElement sample) => sample.GetProperty("value")[1].GetString()!;

    private static IEnumerable<string> Words(string expression) => MetricName().Matches(expression).Select(match => match.Value);

    [GeneratedRegex(@"\b(specdecode|gen_ai)_\w+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"\bspecdecode:\w+:\w+")]
    private static partial Regex Recorded();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
