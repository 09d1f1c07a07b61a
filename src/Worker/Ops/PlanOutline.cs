using System.Text.Json;
using System.Text.Json.Serialization;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Ops;

/// <summary>What is told of an <see cref="ActionPlan"/>: without the arguments, which are most of it.</summary>
internal sealed record PlanOutline(IReadOnlyList<PlanOutlineStep> Steps, IReadOnlyList<string>? Differences);

/// <summary>What is told of a <see cref="PlanStep"/>.</summary>
internal sealed record PlanOutlineStep(string Id, string Tool, bool Critical, IReadOnlyList<string> When, string Compensation);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PlanOutline))]
internal sealed partial class PlanOutlineJson : JsonSerializerContext;
