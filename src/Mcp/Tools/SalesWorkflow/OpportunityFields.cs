using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>What the tools that change an opportunity share.</summary>
internal static class OpportunityFields
{
    /// <summary>The parameter that names the opportunity.</summary>
    public static readonly ToolParameter OpportunityId =
        new(CrmFields.Opportunity, ParameterType.Text, "the opportunity's record id, or an earlier step's result", Required: true, MaxLength: 100);
}
