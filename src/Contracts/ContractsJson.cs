using System.Text.Json;
using System.Text.Json.Serialization;

namespace LeadPipeline.Contracts;

/// <summary>Source-generated JSON for everything that crosses a boundary: camel case, nulls left out unless a contract says always present.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = false, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Lead))]
[JsonSerializable(typeof(LeadSubmitted))]
[JsonSerializable(typeof(AnalyzeLead))]
[JsonSerializable(typeof(ExecutePlan))]
[JsonSerializable(typeof(EvidenceSnapshot))]
[JsonSerializable(typeof(GroundingResult))]
[JsonSerializable(typeof(ActionPlan))]
[JsonSerializable(typeof(AuditEvent))]
[JsonSerializable(typeof(ModelCall))]
public sealed partial class ContractsJson : JsonSerializerContext;
