<?php

/**
 * Plugin Name:       Ringpool
 * Description:       Shows each visitor the phone number of the campaign that brought him.
 * Version:           0.1.0
 * Requires at least: 6.3
 * Requires PHP:      7.4
 * Author:            The Ringpool authors
 * License:           Apache-2.0
 * License URI:       https://www.apache.org/licenses/LICENSE-2.0
 * Text Domain:       ringpool
 *
 * @package Ringpool
 */

defined('ABSPATH') || exit;

require_once __DIR__ . '/includes/settings.php';
require_once __DIR__ . '/includes/settings-page.php';
require_once __DIR__ . '/includes/script-tag.php';
require_once __DIR__ . '/includes/shortcode.php';

add_action('wp_enqueue_scripts', 'Ringpool\\enqueue_script');
add_filter('script_loader_tag', 'Ringpool\\with_attributes', 10, 2);
add_action('init', 'Ringpool\\add_shortcode_for_numbers');
add_action('admin_menu', 'Ringpool\\add_settings_page');
add_action('admin_init', 'Ringpool\\register_settings');
add_filter(
    'plugin_action_links_' . plugin_basename(__FILE__),
    'Ringpool\\with_link_to_settings'
);
