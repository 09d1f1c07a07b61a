using System.ComponentModel.DataAnnotations;
using LeadPipeline.Worker.Secrets;

namespace LeadPipeline.Worker.Tests.Secrets;

[TestFixture]
public sealed class AwsOptionsTests
{
    [TestCase("crm/salesforce", null)]
    [TestCase(null, "crm/hubspot")]
    [TestCase("", "crm/hubspot", Description = "as an environment variable without a value sets it")]
    public void Should_ask_for_the_region_of_either_secret(string? salesforce, string? hubspot)
    {
        var options = new AwsOptions { SalesforceSecret = salesforce, HubSpotSecret = hubspot };

        Assert.That(options.Validate(new ValidationContext(options)).SelectMany(r => r.MemberNames), Is.EqualTo(new[] { nameof(AwsOptions.Region) }));
    }

    [Test]
    public void Should_ask_for_none_without_a_secret()
    {
        var options = new AwsOptions { SalesforceSecret = "", HubSpotSecret = "" };

        Assert.That(options.Validate(new ValidationContext(options)), Is.Empty);
    }
}
