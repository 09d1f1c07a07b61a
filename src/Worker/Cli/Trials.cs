using System.CommandLine;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Cli;

/// <summary>What <c>replay --what-if</c> and <c>eval</c> may be told to try instead of what is configured.</summary>
internal sealed class TrialOptions
{
    public Option<AnalyzerKind?> Analyzer { get; } = new("--analyzer") { Description = "Ask this analyzer: Rules or Gemini" };

    public Option<string?> Prompt { get; } = new("--prompt") { Description = "Instructions to the model, a file; the model is asked anew" };

    public Option<string?> Policy { get; } = new("--policy") { Description = "A policy file; else the one in force" };

    public void AddTo(Command command)
    {
        command.Add(Analyzer);
        command.Add(Prompt);
        command.Add(Policy);
    }

    /// <summary>Whether an analyzer is to be asked, rather than recorded answers taken.</summary>
    public bool Asks(ParseResult parsed) => parsed.GetValue(Analyzer) is not null || parsed.GetValue(Prompt) is not null;

    /// <summary>The settings with what is tried.</summary>
    public Dictionary<string, string?> Settings(Dictionary<string, string?> settings, ParseResult parsed)
    {
        var tried = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
        if (parsed.GetValue(Analyzer) is { } analyzer)
            tried[AnalysisOptions.Section + ":Analyzer"] = analyzer.ToString();
        if (parsed.GetValue(Policy) is { } policy)
            tried[PolicyOptions.Section + ":File"] = Existing("--policy", policy);
        if (parsed.GetValue(Prompt) is { } prompt)
        {
            tried[AnalysisOptions.Section + ":PromptFile"] = Existing("--prompt", prompt);
            if (!string.Equals(WorkerApplication.Configuration(tried)[AnalysisOptions.Section + ":Analyzer"], nameof(AnalyzerKind.Gemini), StringComparison.OrdinalIgnoreCase))
                throw new UsageException("--prompt is for a model, and the analyzer is Rules; add --analyzer Gemini.");
        }
        return tried;
    }

    /// <summary>What decides, by the settings of the host.</summary>
    public static Rehearsal Rehearsal(CliHost host, bool asks)
    {
        var services = host.Services;
        // Only made when it is asked: a trial with recorded answers needs no credentials.
        var analyzer = asks ? new PatientAnalysis(services.GetRequiredService<IAnalyzer>(), services.GetRequiredService<TimeProvider>()) : null;
        return new Rehearsal(analyzer, services.GetRequiredService<GroundingRules>(), services.GetRequiredService<PolicyInForce>());
    }

    private static string Existing(string option, string path) => File.Exists(path) ? Path.GetFullPath(path) : throw new UsageException($"{option}: '{path}' does not exist.");
}
