using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>What was asked and decided in a rehearsal.</summary>
/// <param name="Decided">The verdict and the plan.</param>
/// <param name="Analyzer">Who answered.</param>
/// <param name="Call">How a model was asked, if one was.</param>
/// <param name="Took">How long the analyzer took; zero when nobody was asked.</param>
public sealed record Rehearsed(Decided Decided, string Analyzer, ModelCall? Call, TimeSpan Took);

/// <summary>Decides about evidence as the pipeline does, with nothing behind it: analyse or take a recorded answer, ground, plan.</summary>
/// <param name="analyzer">Who is asked; null: nobody, recorded answers are taken.</param>
/// <param name="rules">What grounding measures against.</param>
/// <param name="policy">What plans are made by.</param>
public sealed class Rehearsal(PatientAnalysis? analyzer, GroundingRules rules, PolicyInForce policy)
{
    /// <summary>The policy that plans are made by.</summary>
    public PolicyInForce Policy => policy;

    /// <summary>Decides about a recorded run.</summary>
    public async Task<Rehearsed> DecideAsync(RecordedRun run, CancellationToken cancellationToken)
    {
        if (analyzer is not null)
            return await AskAsync(run.Snapshot, run.At, run.IsApproved, cancellationToken);
        return run.Answer is { } answer
            ? new Rehearsed(Decide(run.Snapshot, answer, run.At, run.IsApproved), run.Analyzer, null, TimeSpan.Zero)
            : new Rehearsed(run.Then, run.Analyzer, null, TimeSpan.Zero);
    }

    /// <summary>Asks the analyzer and decides by what it answers.</summary>
    public async Task<Rehearsed> AskAsync(EvidenceSnapshot snapshot, DateTimeOffset at, bool isApproved, CancellationToken cancellationToken)
    {
        var (outcome, took) = await (analyzer ?? throw new InvalidOperationException("There is no analyzer to ask.")).AskAsync(snapshot, cancellationToken);
        var decided = outcome switch
        {
            AnalysisOutcome.Answered answered => Decide(snapshot, answered.Answer.Json, at, isApproved),
            AnalysisOutcome.Blocked => new Decided(null, null, "model-blocked"),
            AnalysisOutcome.Unusable => new Decided(null, null, "model-unusable"),
            AnalysisOutcome.NotNow notNow => new Decided(null, null, notNow.Reason),
            _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no outcome."),
        };
        return new Rehearsed(decided, analyzer.Name, outcome.Call, took);
    }

    /// <summary>Grounds an answer and plans by what is left of it.</summary>
    public Decided Decide(EvidenceSnapshot snapshot, ReadOnlyMemory<byte> answer, DateTimeOffset at, bool isApproved)
    {
        using var document = JsonDocument.Parse(answer);
        // Evidence is as old as it was then: what has aged since says nothing about the rules.
        var verdict = Grounder.Ground(snapshot, document.RootElement, rules, snapshot.TakenAt);
        return new Decided(verdict, Planner.Plan(verdict, snapshot, policy.Policy, policy.Tools, at, policy.Planning, isApproved));
    }
}
