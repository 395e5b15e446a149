# Rules of the HTTP API and of what is in front of it, for every row of the catalog. Run with -var-file=envs/prod/terraform.tfvars.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "global"
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "standby"
  source          = "./tests/mocks"
  override_during = plan
}

run "api" {
  command = plan

  override_resource {
    target          = module.global_notifications[0].aws_sns_topic.this
    override_during = plan
    values          = { arn = "arn:aws:sns:us-east-1:222222222222:mock" }
  }

  variables {
    api_domains = {
      public = {
        name            = "origin.shop.example"
        certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
      }
      regional = {
        name            = "eu-west-1.origin.shop.example"
        certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
      }
      machines = {
        name            = "machines.shop.example"
        certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
        truststore_uri  = "s3://shop-truststore/clients.pem"
      }
    }
    domain = {
      name            = "api.shop.example"
      zone_id         = "Z0000000000000000000"
      certificate_arn = "arn:aws:acm:us-east-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
    }
    standby_api = {
      host    = "eu-central-1.origin.shop.example"
      target  = "d-standby.execute-api.eu-central-1.amazonaws.com"
      zone_id = "Z1111111111111111111"
    }
  }

  assert {
    condition = toset([for route in values(module.api.settings.routes) : route.route]) == (
      toset([for function in values(local.functions) : function.trigger.route if function.trigger.kind == "http"])
    )
    error_message = "The routes are not those of the catalog."
  }

  assert {
    condition = alltrue([
      for name, route in module.api.settings.routes : (
        local.functions[name].trigger.public || (route.authorization == "CUSTOM" && route.authorizer != null)
      )
    ])
    error_message = "A route that is not listed as public has no authorizer."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : function.trigger.public == (length(function.trigger.roles) == 0) if function.trigger.kind == "http"
    ])
    error_message = "A public route lists roles, or a protected one lists none."
  }

  # Who may not be asked for a token: reads without personal data, registration, log-in, and webhooks, which are signed. The default
  # route answers what matches no other, without doing anything.
  assert {
    condition = alltrue([
      for name, function in local.functions : (
        startswith(function.trigger.route, "GET ") || strcontains(function.trigger.route, "/users/") || strcontains(function.trigger.route, "/webhooks/") || endswith(function.trigger.route, "/oauth/token")
      ) if function.trigger.kind == "http" && try(function.trigger.public && function.trigger.route != "$default", false)
    ])
    error_message = "Anyone may write through a route that is not for accounts, tokens of service clients or signed webhooks."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (
        module.api.settings.throttles[function.trigger.route].rate == local.catalog.api.throttle_classes[function.trigger.throttle].rate &&
        module.api.settings.throttles[function.trigger.route].burst == local.catalog.api.throttle_classes[function.trigger.throttle].burst
      ) if function.trigger.kind == "http"
    ])
    error_message = "A route has not the throttle of its class."
  }

  assert {
    condition     = module.api.settings.default_throttle == min([for class in values(local.catalog.api.throttle_classes) : class.rate]...)
    error_message = "A route without a class would not get the strictest throttle."
  }

  assert {
    condition     = module.api.settings.authorizer_ttl_s == local.catalog.api.authorizer_ttl_s && module.api.settings.authorizer_ttl_s <= 300
    error_message = "Responses of the authorizer are cached for longer than five minutes: a revoked session would stay valid for as long."
  }

  assert {
    condition = alltrue([
      for name, route in module.api.settings.routes : route.timeout_ms <= 30000 && route.timeout_ms >= min(local.functions[name].timeout_s * 1000, 30000)
    ])
    error_message = "An integration ends before its function does, or exceeds API Gateway's 30 seconds."
  }

  assert {
    condition = length([
      for field in setsubtract(module.api.settings.log_fields, ["$context.identity.sourceIp", "$context.authorizer.sub"]) : field
      if can(regex("identity|authorizer|path|domainName", replace(field, "$context.authorizer.error", "")))
    ]) == 0
    error_message = "The access log has personal data besides the address and the id of the caller: a client, claims or a path with ids."
  }

  assert {
    condition     = length(setintersection(module.api.settings.log_fields, ["$context.identity.sourceIp", "$context.authorizer.sub"])) == 2
    error_message = "The access log must say who called and from where, or abuse cannot be traced."
  }

  assert {
    condition     = module.api.settings.cors == { (join(",", sort(var.cors_origins))) = true }
    error_message = "The listed origins may not send cookies, or others may call the API from a browser."
  }

  assert {
    condition     = module.api.settings.generated_address == false
    error_message = "With custom domains the generated address still answers, without client certificates."
  }

  assert {
    condition     = module.api.settings.mutual_tls == { public = false, regional = false, machines = true }
    error_message = "Clients of a domain with a trust store are not asked for certificates, or those of another one are."
  }

  assert {
    condition = module.api.settings.invoked == {
      for context, names in { for name, function in local.functions : function.context => name... if contains(["http", "authorizer"], function.trigger.kind) } :
      context => [for name in names : module.function[name].alias_arn]
    }
    error_message = "The API may invoke other functions than those of its routes, or a version instead of the alias."
  }

  assert {
    condition     = alltrue([for length in values(module.api.settings.policy_lengths) : length <= 10240])
    error_message = "A policy of the API exceeds the 10 240 characters that a role's inline policies may have."
  }

  assert {
    condition = (
      module.certificate_alarm[0].settings.certificate_arn == var.domain.certificate_arn && module.certificate_alarm[0].settings.threshold == 30 &&
      tolist(module.certificate_alarm[0].settings.actions) == tolist(["arn:aws:sns:us-east-1:222222222222:mock"]) &&
      strcontains(module.certificate_alarm[0].settings.description, "docs/runbooks/certificate-and-secrets.md")
    )
    error_message = "CloudFront's certificate expires without an alarm."
  }

  assert {
    condition     = { for purpose, target in output.api_domain_targets : purpose => target.name } == { for purpose, domain in var.api_domains : purpose => domain.name }
    error_message = "Nobody learns where the record of a further domain has to point."
  }

  assert {
    condition     = module.edge.settings.web_acl_id == module.edge.settings.web_acl_arn
    error_message = "No web ACL is in front of the API."
  }

  assert {
    condition     = length(setsubtract(["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"], module.edge.settings.managed_rules)) == 0
    error_message = "The web ACL lacks a managed group of rules."
  }

  assert {
    condition = length(setsubtract([
      for function in values(local.functions) : split(" ", function.trigger.route)[1]
      if function.trigger.kind == "http" && try(function.trigger.public && function.trigger.route != "$default" && !startswith(function.trigger.route, "GET ") && !strcontains(function.trigger.route, "/webhooks/"), false)
    ], module.edge.settings.limited_paths)) == 0
    error_message = "An anonymous write, such as logging in, has no rate rule of its own: passwords could be tried at the general rate."
  }

  assert {
    condition     = contains(keys(module.edge.settings.rate_limits), "rate")
    error_message = "The web ACL has no rate rule for all requests."
  }

  assert {
    condition     = contains(["redirect-to-https", "https-only"], module.edge.settings.protocol) && module.edge.settings.origin == "https-only"
    error_message = "CloudFront accepts or sends requests without TLS."
  }

  assert {
    condition     = try(module.edge.settings.functions["viewer-request"], null) == module.edge.settings.viewer.arn && module.edge.settings.viewer.published
    error_message = "The distribution does not run the function that passes on the viewer's address: all clients of an edge location would be one source."
  }

  assert {
    condition = alltrue([
      for path in compact([for function in values(local.functions) : try(split(" ", function.trigger.route)[1], "")]) : anytrue([
        for pattern in module.edge.settings.api_paths : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", path))
      ])
    ]) && module.edge.settings.targets == { default = "pages", api = "api" }
    error_message = "The distribution looks for a route among the pages, or for pages at the API."
  }

  assert {
    condition = [for statement in module.edge.settings.pages_policy.Statement : statement.Principal.Service if statement.Effect == "Allow"] == ["cloudfront.amazonaws.com"] && alltrue([
      for statement in module.edge.settings.pages_policy.Statement : can(statement.Condition.StringEquals["AWS:SourceArn"]) if statement.Effect == "Allow"
    ])
    error_message = "The bucket of the pages is read by others than this distribution."
  }

  assert {
    condition     = module.edge.settings.page_headers.attached && strcontains(module.edge.settings.page_headers.content_security_policy, "script-src 'self'") && !can(regex("unsafe|[{]|https?:( |;|$)", module.edge.settings.page_headers.content_security_policy))
    error_message = "Pages permit scripts other than their own, or have no policy."
  }

  assert {
    condition     = toset(keys(module.edge.settings.uploads)) == toset(["product-files", "product-images"]) && alltrue([for origins in values(module.edge.settings.uploads) : origins == toset([output.public_url])])
    error_message = "Pages of other origins may upload files, or our own may not."
  }

  assert {
    condition     = toset(module.edge.settings.viewer.stores) == toset([module.edge.settings.store])
    error_message = "The function cannot read the secret that proves the viewer's address."
  }

  assert {
    condition = alltrue([
      for header in ["x-viewer-address", "x-origin-secret"] : strcontains(module.edge.settings.viewer.code, "delete request.headers['${header}']")
    ])
    error_message = "A viewer can send the headers that the function sets."
  }

  # Managed-AllViewerExceptHostHeader: every header of the request as the function left it.
  assert {
    condition     = module.edge.settings.forwarding == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    error_message = "The distribution does not pass on the headers that the function sets."
  }

  assert {
    condition     = contains(keys(local.catalog.secrets), "origin-secret") && contains(keys(local.catalog.secrets), "counter-key")
    error_message = "There is no secret for the address of viewers, or none for the names of counters."
  }

  assert {
    condition     = module.edge.settings.failover == { primary = "PRIMARY", secondary = "SECONDARY" }
    error_message = "DNS does not fail over to the second region."
  }

  assert {
    condition     = length(setintersection(values(module.edge.settings.health_hosts), [var.api_domains["public"].name])) == 0 && length(distinct(values(module.edge.settings.health_hosts))) == 2
    error_message = "A health check asks the name that fails over: after a failover it would find the other region healthy."
  }

  assert {
    condition = alltrue([
      for function in values(local.functions) : can(regex(module.edge.settings.unlimited, split(" ", function.trigger.route)[1]))
      if function.trigger.kind == "http" && try(strcontains(function.trigger.route, "/webhooks/"), false)
    ])
    error_message = "Webhooks count for the limit of an address: the payment gateway sends all of them from few."
  }

  assert {
    condition     = alltrue([for path in values(module.edge.settings.health_paths) : contains([for route in values(module.api.settings.routes) : route.route], "GET ${path}")])
    error_message = "A health check asks for a path that is no route."
  }

  assert {
    condition     = length(setsubtract(["authorization", "cookie", "query string"], module.edge.settings.redacted)) == 0
    error_message = "The web ACL's log has access tokens, refresh tokens, or what customers were searched by."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    cors_origins = ["*"]
    api_domains = {
      machines = {
        name            = "machines.shop.example"
        certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/00000000-0000-0000-0000-000000000000"
        truststore_uri  = "clients.pem"
      }
    }
  }

  expect_failures = [var.cors_origins, var.api_domains]
}

run "failover_without_a_domain_is_refused" {
  command = plan

  variables {
    standby_api = {
      host    = "eu-central-1.origin.shop.example"
      target  = "d-standby.execute-api.eu-central-1.amazonaws.com"
      zone_id = "Z1111111111111111111"
    }
  }

  expect_failures = [var.standby_api]
}
